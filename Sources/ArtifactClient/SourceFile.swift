public import ArtifactModel
public import Glibc
public import LinuxSystem

/// A regular file, opened to be handed over.
public struct SourceFile: ~Copyable {
    /// What travels to the daemon. May be closed once the request is sent.
    public let descriptor: Descriptor
    /// The size in bytes at the time of opening.
    public let size: UInt64

    /// Opens a file for reading, without blocking on a FIFO; a symbolic link is followed.
    /// - Parameter directory: what a relative path is relative to.
    /// - Parameter name: how messages call the file; nil for the path.
    /// - Throws: `invalidSource` when it is not there or not a regular file; `sourceUnreadable` when it may not be opened.
    public static func open(
        _ path: String, in directory: Int32 = AT_FDCWD, name: String? = nil
    ) throws(ArtifactError) -> SourceFile {
        let shown = (name ?? path).escapedForLog
        let descriptor = try orRefused(shown) { () throws(SystemError) in
            try System.open(path, in: directory, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        }
        let number = descriptor.number
        let status = try orRefused(shown) { () throws(SystemError) in try System.status(of: number) }
        guard status.isRegular else {
            throw ArtifactError(
                .invalidSource, "'\(shown)' is a \(status.kindName), not a regular file; \(wayOut(status.kind))")
        }
        return SourceFile(descriptor: descriptor, size: status.size)
    }

    private static func orRefused<Value: ~Copyable>(
        _ shown: String, _ body: () throws(SystemError) -> Value
    ) throws(ArtifactError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw refusal(of: error, shown)
        }
    }

    private static func refusal(of error: SystemError, _ shown: String) -> ArtifactError {
        switch error.errno {
        case ENOENT, ENOTDIR: ArtifactError(.invalidSource, "'\(shown)' is not there", cause: error.reason)
        case ENXIO: ArtifactError(.invalidSource, "'\(shown)' is a socket or a device, not a regular file", cause: error.reason)
        default: ArtifactError(.sourceUnreadable, "'\(shown)' cannot be opened for reading", cause: error.reason)
        }
    }

    private static func wayOut(_ kind: FileKind) -> String {
        kind == .directory ? "hand its files over with --recursive" : "write its content to a file first"
    }
}
