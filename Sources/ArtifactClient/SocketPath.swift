import Glibc
import LinuxSystem

/// Where the daemon's socket is looked for.
enum SocketPath {
    /// The socket of the system's daemon.
    static let system = "/run/artifactd/artifactd.sock"

    /// The first that applies: the argument, `ARTIFACTD_SOCKET`, the system's socket if it is there or the user is root, the
    /// socket below `XDG_RUNTIME_DIR`.
    static func choose(argument: String?, environment: [String: String]) -> String {
        if let argument { return argument }
        if let path = environment["ARTIFACTD_SOCKET"], !path.isEmpty { return path }
        guard let directory = environment["XDG_RUNTIME_DIR"], !directory.isEmpty, System.effectiveUserID() != 0, !exists(system)
        else { return system }
        return "\(directory)/artifactd/artifactd.sock"
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
