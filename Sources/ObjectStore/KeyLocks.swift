import ArtifactModel
import Synchronization

/// Locks that are shared out over the keys: one key has always the same, and most pairs of keys have different ones.
final class KeyLocks: Sendable {
    private final class Lock: Sendable {
        let mutex = Mutex<Void>(())
    }

    private let locks = (0..<64).map { _ in Lock() }

    /// Runs `work` while no other thread of this process runs any for the same key.
    func withLock<Value: Sendable>(for key: ObjectKey, _ work: () throws -> Value) throws -> Value {
        // FNV-1a over the bytes, as two spellings of one letter are two keys here.
        let hash = key.text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        return try locks[Int(hash % UInt64(locks.count))].mutex.withLock { _ in try work() }
    }
}
