public import Glibc

/// What `fstat` says of a file.
public struct FileStatus: Sendable, Equatable {
    /// The device the file lies on.
    public let device: UInt64
    /// The inode's number on that device.
    public let inode: UInt64
    /// The size in bytes; of meaning for regular files and symbolic links.
    public let size: UInt64
    /// The modification time in nanoseconds since the Unix epoch.
    public let modifiedNanoseconds: Int64
    /// The kind and the permission bits together, as `st_mode` has them.
    public let mode: UInt32
    /// How many names the file has; 0 once it is unlinked.
    public let linkCount: UInt64
    /// The owner.
    public let uid: UInt32
    /// The owning group.
    public let gid: UInt32
    /// The blocks allocated, 512 bytes each; fewer than the size asks for when the file is sparse.
    public let blocks: UInt64

    /// Translates the kernel's structure.
    public init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = UInt64(max(0, status.st_size))
        modifiedNanoseconds = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        mode = status.st_mode
        linkCount = UInt64(status.st_nlink)
        uid = status.st_uid
        gid = status.st_gid
        blocks = UInt64(max(0, status.st_blocks))
    }

    /// What kind of file it is.
    public var kind: FileKind { FileKind(mode: mode) }
    /// Whether it is a regular file. A memfd is one too.
    public var isRegular: Bool { kind == .regular }
    /// Whether it is a directory.
    public var isDirectory: Bool { kind == .directory }
    /// The kind in words, for messages.
    public var kindName: String { kind.description }
}

/// What kind of thing a name in a file system stands for.
public enum FileKind: Sendable, CustomStringConvertible {
    case regular
    case directory
    case symbolicLink
    case fifo
    case socket
    case characterDevice
    case blockDevice
    /// Not told: some file systems leave it out of their directories. Ask for the status instead.
    case unknown

    /// From the bits of `st_mode`.
    init(mode: UInt32) {
        switch mode & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symbolicLink
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        case S_IFCHR: self = .characterDevice
        case S_IFBLK: self = .blockDevice
        default: self = .unknown
        }
    }

    /// From `d_type` of a directory's entry: the kind bits of `st_mode`, shifted down (`IFTODT` in <dirent.h>).
    init(directoryType: UInt8) {
        self.init(mode: UInt32(directoryType) << 12)
    }

    /// The kind in words, for messages.
    public var description: String {
        switch self {
        case .regular: "regular file"
        case .directory: "directory"
        case .symbolicLink: "symbolic link"
        case .fifo: "FIFO"
        case .socket: "socket"
        case .characterDevice: "character device"
        case .blockDevice: "block device"
        case .unknown: "file of unknown kind"
        }
    }
}
