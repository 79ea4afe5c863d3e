import LinuxSystem
import NIOCore
import Synchronization

/// A file in the daemon's spool that is being written. All its calls block.
///
/// The daemon takes the file only when no writable descriptor of it is left, so this is the only holder, and says when it lets go.
final class SpoolFile: Sendable {
    /// By which the daemon knows it on its connection.
    let number: UInt64
    private let descriptor: Mutex<SharedDescriptor?>

    init(number: UInt64, descriptor: consuming SharedDescriptor) {
        self.number = number
        self.descriptor = Mutex(descriptor)
    }

    /// Appends bytes.
    func write(_ pieces: [ByteBuffer]) throws(SystemError) {
        guard let file = descriptor.withLock({ $0 }) else { preconditionFailure("a spool file is written after its end") }
        for piece in pieces {
            try piece.readableBytesSpan.withUnsafeBytes { bytes throws(SystemError) in try System.write(bytes, to: file.number) }
        }
    }

    /// Puts what has been written on stable storage.
    func sync() throws(SystemError) {
        guard let file = descriptor.withLock({ $0 }) else { preconditionFailure("a spool file is synced after its end") }
        try withExtendedLifetime(file) { () throws(SystemError) in try System.fdatasync(file.number) }
    }

    /// Closes the file. Nothing else may be under way.
    func close() { descriptor.withLock { $0 = nil } }
}
