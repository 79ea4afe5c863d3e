/// The type of a file system as `fstatfs` numbers it. Source of the numbers: <linux/magic.h>.
public struct FileSystemType: RawRepresentable, Hashable, Sendable {
    /// The magic number.
    public let rawValue: UInt64

    /// A type of this magic number.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// FUSE: a user's process serves the reads, which can stall for as long as it likes. virtiofs has the same number.
    public static let fuse = FileSystemType(rawValue: 0x6573_5546)
    /// procfs.
    public static let proc = FileSystemType(rawValue: 0x9fa0)

    /// Whether the kernel makes the files' contents up as they are read, so that a size means nothing.
    public var isSynthetic: Bool { Self.synthetic.contains(self) }

    private static let synthetic: Set<FileSystemType> = [
        .proc,
        FileSystemType(rawValue: 0x6265_6572),  // sysfs
        FileSystemType(rawValue: 0x6462_6720),  // debugfs
        FileSystemType(rawValue: 0x7472_6163),  // tracefs
        FileSystemType(rawValue: 0x7363_6673),  // securityfs
        FileSystemType(rawValue: 0x6265_6570),  // configfs
        FileSystemType(rawValue: 0xf97c_ff8c),  // selinuxfs
        FileSystemType(rawValue: 0x0027_e0eb),  // cgroup
        FileSystemType(rawValue: 0x6367_7270),  // cgroup2
        FileSystemType(rawValue: 0x6165_676c),  // pstore
        FileSystemType(rawValue: 0xde5e_81e4),  // efivarfs
        FileSystemType(rawValue: 0xcafe_4a11),  // bpf
    ]
}
