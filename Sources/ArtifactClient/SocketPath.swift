import ArtifactModel
import Glibc
import LinuxSystem

/// Where the daemon's socket is looked for.
enum SocketPath {
    /// The socket of the system's daemon.
    static let system = "/run/artifactd/artifactd.sock"

    /// The most bytes of a socket's path: `sun_path` holds one more, the NUL at its end.
    static let maximumLength = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// The first that applies: the argument, `ARTIFACTD_SOCKET`, the system's socket if it is there or the user is root, the
    /// socket below `XDG_RUNTIME_DIR`.
    static func choose(argument: String?, environment: [String: String]) -> String {
        if let argument { return argument }
        if let path = environment["ARTIFACTD_SOCKET"], !path.isEmpty { return path }
        guard let directory = environment["XDG_RUNTIME_DIR"], !directory.isEmpty, System.effectiveUserID() != 0, !exists(system)
        else { return system }
        return "\(directory)/artifactd/artifactd.sock"
    }

    /// Refuses a path that no socket can have.
    static func check(_ path: String) throws(ClientError) {
        if (1...maximumLength).contains(path.utf8.count), !path.utf8.contains(0) { return }
        let why =
            path.isEmpty
            ? "the socket's path is empty"
            : "'\(path.escapedForLog)' cannot be a socket's path: it has \(path.utf8.count) bytes, \(maximumLength) without a NUL are possible"
        throw .failure(ArtifactError(.invalidRequest, "\(why); name the daemon's socket"))
    }

    private static func exists(_ path: String) -> Bool {
        do throws(SystemError) {
            _ = try System.status(of: path)
            return true
        } catch {
            // One that may not be looked at is there: the attempt to connect will say why it fails.
            return error.errno != ENOENT && error.errno != ENOTDIR
        }
    }
}
