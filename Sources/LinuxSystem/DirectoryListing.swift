public import Glibc

/// The names in a directory, in the order the kernel has them, without `.` and `..`. Links are named, never followed.
public struct DirectoryListing: ~Copyable {
    /// One name.
    public struct Entry: Sendable {
        /// The name's bytes, which need not be UTF-8.
        public let name: [UInt8]
        /// What it stands for; `unknown` where the file system does not tell.
        public let kind: FileKind

        /// The name as text; nil when it is not UTF-8.
        public var text: String? { String(validating: name, as: UTF8.self) }
    }

    private let stream: OpaquePointer

    /// Opens a directory, relative to another.
    /// - Parameter followLink: whether a symbolic link at the path's end stands for its target.
    /// - Throws: ENOTDIR when it is no directory, or a symbolic link that is not to be followed.
    public init(_ path: String, in directory: Int32 = AT_FDCWD, followLink: Bool = false) throws(SystemError) {
        stream = try System.openStream(
            try System.open(path, in: directory, O_RDONLY | O_DIRECTORY | (followLink ? 0 : O_NOFOLLOW)))
    }

    /// The directory's descriptor, to open what is in it; valid while the listing lives.
    public var descriptor: Int32 { System.descriptor(ofStream: stream) }

    /// The next name; nil at the end.
    public mutating func next() throws(SystemError) -> Entry? {
        while let entry = try System.readStream(stream) {
            // The kernel's record ends with the name: never copy the whole declared array of 256.
            let start = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 0)
            let name = [UInt8](UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
            if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
            return Entry(name: name, kind: FileKind(directoryType: entry.pointee.d_type))
        }
        return nil
    }

    deinit {
        System.closeStream(stream)
    }
}
