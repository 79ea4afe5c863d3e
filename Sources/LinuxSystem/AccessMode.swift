import CLinux
import Glibc

/// What a descriptor was opened for.
public enum AccessMode: Sendable {
    case readOnly
    case writeOnly
    case readWrite
    /// `O_PATH`: it names a file and opens nothing.
    case pathOnly

    /// From the flags of `F_GETFL`.
    init(statusFlags: Int32) {
        if statusFlags & CLINUX_O_PATH != 0 {
            self = .pathOnly
            return
        }
        switch statusFlags & O_ACCMODE {
        case O_RDONLY: self = .readOnly
        case O_RDWR: self = .readWrite
        default: self = .writeOnly
        }
    }

    /// Whether the descriptor can be read from.
    public var canRead: Bool { self == .readOnly || self == .readWrite }
    /// Whether the descriptor can be written to.
    public var canWrite: Bool { self == .writeOnly || self == .readWrite }
}
