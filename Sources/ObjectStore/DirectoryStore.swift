public import ArtifactModel
import Glibc
import LinuxSystem

/// A store that is a directory: the object with the key `a/b` is the file `a/b` below the root.
///
/// What is promised, and by what:
/// - **Whole or not at all**: objects are written under another name on the same file system, fsynced, renamed into place, and
///   the directory is fsynced. So are new directories above them.
/// - **With the right headers**: see `ObjectHeaders`. A file that was put there by other means has none and is read as plain
///   bytes. A file of which the headers are lost is never decoded.
/// - **Never through a symbolic link**: names below the root are opened one by one without following links; a link counts as no
///   object and is replaced, not written through.
/// - **Entity tags** are made of size, modification time and inode, in hexadecimal: they change with every replacement, and
///   also when the directory is copied.
/// - **Not promised**: the store computes no checksum (`Integrity.filesystem`); it keeps what the caller gives. Several daemons may
///   share the directory, but when two write one key at the same moment, the object is whole and its headers may be missing. A
///   multipart upload belongs to one daemon at a time.
///
/// Beside `ObjectKey`'s rules it refuses names that a file system cannot have (see `ObjectPlace`), and `a` beside `a/b`.
/// Besides, `a.json/b` cannot lie beside `a`, as the headers of `a` have that name.
public final class DirectoryStore: ObjectStore {
    public let location: StoreLocation
    /// Parts of any size; 1 TiB at most, which keeps all sums far from overflow.
    public let limits = StoreLimits(maximumParts: 10_000, minimumPartSize: 1, maximumPartSize: 1 << 40)

    let tree: DirectoryTree
    let locks = KeyLocks()
    let uploads: UploadTable

    static let temporaries = [ObjectPlace.reserved, "tmp"]
    static let headers = [ObjectPlace.reserved, "meta"]

    /// How old, in milliseconds, a nameless leftover must be to be removed. A younger one may belong to another daemon that
    /// shares the directory and is at work.
    static let abandonedAfterMilliseconds: Int64 = 3_600_000

    /// Opens the store, makes its directory where it is missing, and removes what crashes left over.
    /// - Parameter root: the absolute path of the directory.
    public init(root: String) throws(ArtifactError) {
        location = .directory(path: root)
        tree = DirectoryTree(root: root)
        uploads = UploadTable(tree: tree)
        try perform("open it") {
            try System.makeDirectories(root, mode: 0o777)
            for path in [Self.temporaries, Self.headers, UploadTable.directory] { _ = try tree.make(path) }
            try removeAbandonedFiles()
        }
    }

    public func makeSession() -> any ObjectStoreSession { DirectorySession(self) }

    /// Does the work of one call; what the kernel refuses becomes an error of the contract.
    /// - Parameter doing: what the call is about, to follow "cannot".
    func perform<Value>(_ doing: @autoclosure () -> String, _ work: () throws -> Value) throws(ArtifactError) -> Value {
        do {
            return try work()
        } catch let error as ArtifactError {
            throw error
        } catch let error as SystemError {
            throw ArtifactError(error, doing: doing(), root: tree.root)
        } catch {
            throw ArtifactError(.internalFault, "directory store '\(tree.root)': cannot \(doing())", cause: "\(error)")
        }
    }

    private func removeAbandonedFiles() throws {
        let oldest = (System.wallMilliseconds() - Self.abandonedAfterMilliseconds) * 1_000_000
        var names = try tree.list(Self.temporaries)
        while let entry = try names.next() {
            guard let name = entry.text, let status = try System.statusIfAny(of: name, in: names.descriptor),
                status.isRegular, status.modifiedNanoseconds < oldest
            else { continue }
            try System.unlinkIfAny(name, in: names.descriptor)
        }
        try uploads.removeHalves(olderThan: oldest)
    }
}

extension System {
    /// The status of a file, not following a link; nil when there is none.
    static func statusIfAny(of name: String, in directory: Int32) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try status(of: name, in: directory)
        } catch {
            guard error.errno == ENOENT else { throw error }
            return nil
        }
    }

    /// Takes a file's name away; one that is not there is no error.
    static func unlinkIfAny(_ name: String, in directory: Int32) throws(SystemError) {
        do throws(SystemError) {
            try unlink(name, in: directory)
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
    }

    /// The whole content of a small file, not following a link; nil when there is none.
    static func contentsIfAny(of name: String, in directory: Int32) throws -> [UInt8]? {
        do {
            let file = try open(name, in: directory, O_RDONLY | O_NOFOLLOW)
            var bytes = [UInt8](repeating: 0, count: Int(try status(of: file.number).size))
            let length = try bytes.withUnsafeMutableBytes { try read(file.number, into: $0, at: 0) }
            return Array(bytes[..<length])
        } catch let error as SystemError where error.errno == ENOENT {
            return nil
        }
    }
}
