import ArtifactModel
import Synchronization

/// Counts errors by their code, from any thread. There are as many codes as the protocol names: it stays small.
final class ErrorCounter: Sendable {
    private let counts = Mutex<[ArtifactError.Code: UInt64]>([:])

    /// How often each was counted, by its name; nothing for one that never was.
    var named: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: counts.withLock { $0 }.map { ("\($0.key)", $0.value) })
    }

    func count(_ code: ArtifactError.Code) { counts.withLock { $0[code, default: 0] += 1 } }
}
