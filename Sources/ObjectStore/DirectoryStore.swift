public import ArtifactModel
import Glibc
import LinuxSystem

/// A store that is a directory: the object with the key `a/b` is the file `a/b` below the root.
///
/// What is promised, and by what:
/// - **Whole or not at all**: objects are written under another name on the same file system, fsynced, renamed into place, and
///   the directory is fsynced. So are new directories above them.
/// - **With the right headers**: see `ObjectHeaders`. A file that was put there by other means has none and is read as plain
///   bytes; so is an object whose headers somebody has removed, for nothing tells it apart. An object whose headers do not decode,
///   or are of a file of another size, is `corruptObject`.
/// - **Never elsewhere**: once begun, the store is the directory that has `.artifactd/meta` in it. While its file system is away,
///   or the directory cannot be opened or written, each call ends as `storeUnavailable`, and nothing is made in its place.
/// - **Never through a symbolic link**: names below the root are opened one by one without following links; a link counts as no
///   object and is replaced, not written through.
/// - **Entity tags** are made of size, modification time and inode, in hexadecimal: they change with every replacement, and
///   also when the directory is copied.
/// - **Not promised**: the store computes no checksum (`Integrity.filesystem`); it keeps what the caller gives, and bytes that
///   were changed in place show by their size alone. Several daemons may share the directory, and when two write one key at the same
///   moment, one of the objects remains, whole and with its headers. A multipart upload belongs to one daemon at a time.
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
    static var headersPath: String { headers.joined(separator: "/") }

    /// How old, in milliseconds, a nameless leftover must be to be removed. A younger one may belong to another daemon that
    /// shares the directory and is at work.
    static let abandonedAfterMilliseconds: Int64 = 3_600_000

    /// Opens the store and removes what crashes left over.
    /// - Parameter root: the absolute path of the directory.
    /// - Parameter beginning: whether a new store may begin there, the directory being made where it is missing. Say false for a
    ///   store that was there before: while it is away, each call ends as `storeUnavailable`.
    public init(root: String, beginning: Bool = true) throws(ArtifactError) {
        location = .directory(path: root)
        tree = DirectoryTree(root: root, mark: Self.headers)
        uploads = UploadTable(tree: tree)
        do throws(ArtifactError) {
            try perform("open it") {
                if beginning { try begin() }
                for path in [Self.temporaries, UploadTable.directory] { _ = try tree.make(path) }
                try removeAbandonedFiles()
            }
        } catch {
            // The outage may be over before the first call, and till then each call says so.
            if beginning || error.code != .storeUnavailable { throw error }
        }
    }

    public func makeSession(isCut: @escaping @Sendable () -> Bool) -> any ObjectStoreSession { DirectorySession(self) }

    public func checkKey(_ key: ObjectKey) throws(ArtifactError) {
        do throws(ArtifactError) {
            try perform("store '\(key.text.escapedForLog)'") { try requireFree(try ObjectPlace(key)) }
        } catch {
            if error.code == .invalidKey { throw error }
        }
    }

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

    private func begin() throws {
        do throws(SystemError) {
            try tree.begin()
        } catch {
            guard [ENOENT, ENOTDIR, ELOOP].contains(error.errno) else { throw error }
            throw ArtifactError(
                .noSuchBucket,
                "directory store '\(tree.root.escapedForLog)': cannot make the directory: something on its path is no directory; "
                    + "name another one",
                cause: error.description)
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
