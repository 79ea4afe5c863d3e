import ArtifactModel
import Glibc
import LinuxSystem
import Synchronization

/// The path of the gateway's Unix socket. The server binds elsewhere, and its socket is moved here once it listens: so nobody finds
/// it before its mode is set, and the server, which takes away what it has bound at its end whosever it is by then, finds nothing.
final class SocketPlace: Sendable {
    /// Who may connect: the gateway's user and its group, as with the daemon's socket; 'peers:' says what they may.
    private static let mode: UInt32 = 0o660

    /// Where clients look.
    let path: String
    /// Where the server binds.
    var bindPath: String { "\(path).\(System.processID())" }
    /// The socket's own device and inode, once it lies at the path.
    private let node = Mutex<(device: UInt64, inode: UInt64)?>(nil)

    /// - Throws: `conflict` while somebody listens there; `localStorageFailed` where no socket can be. One that nobody listens on any
    ///   more is removed.
    init(_ path: String) throws(ArtifactError) {
        self.path = path
        do throws(SystemError) { try UnixListener.removeStale(path) } catch {
            guard error.errno == EADDRINUSE else { throw refusal(error) }
            throw ArtifactError(
                .conflict, "'\(path.escapedForLog)' is in use by another process; stop it, or name another path with --listen")
        }
    }

    /// Moves the socket, on which the server listens, to its path.
    func publish() throws(ArtifactError) {
        do throws(SystemError) {
            try System.setMode(Self.mode, of: bindPath)
            let status = try System.status(of: bindPath)
            try System.rename(bindPath, to: path)
            node.withLock { $0 = (status.device, status.inode) }
        } catch {
            throw refusal(error)
        }
    }

    /// Takes the path away if this socket still has it: a successor's stays.
    func remove() throws(ArtifactError) {
        guard let node = node.withLock({ $0 }) else { return }
        do throws(SystemError) {
            let status = try System.status(of: path)
            guard status.device == node.device, status.inode == node.inode else { return }
            try System.unlink(path)
        } catch {
            if error.errno != ENOENT { throw refusal(error) }
        }
    }

    private func refusal(_ error: SystemError) -> ArtifactError {
        ArtifactError(
            .localStorageFailed, "the socket '\(path.escapedForLog)' cannot be made or removed; name another path with --listen",
            cause: "\(error)")
    }
}
