import ArtifactModel
import Foundation
import ObjectStore
import TestSupport

/// A directory store with short forms of what its tests do, and a view of the files behind it.
struct DirectoryFixture {
    let directory: TemporaryDirectory
    let root: String
    let store: DirectoryStore
    let session: any ObjectStoreSession

    init() throws {
        try self.init(in: try TemporaryDirectory())
    }

    private init(in directory: TemporaryDirectory) throws {
        self.directory = directory
        root = "\(directory.path)/store"
        store = try DirectoryStore(root: root)
        session = store.makeSession()
    }

    /// The same directory, opened anew as after a restart.
    func restarted() throws -> DirectoryFixture { try DirectoryFixture(in: directory) }

    @discardableResult
    func put(_ key: String, _ text: String, encoding: ContentEncoding = .identity) throws -> StoredObject {
        let object = try describe(key, encoding)
        return try Array(text.utf8).withUnsafeBytes { try session.put(object, body: $0, check: nil) }
    }

    @discardableResult
    func putIfAbsent(_ key: String, _ text: String) throws -> StoredObject? {
        let object = try describe(key, .identity)
        return try Array(text.utf8).withUnsafeBytes { try session.putIfAbsent(object, body: $0, check: nil) }
    }

    func begin(_ key: String) throws -> String { try session.createUpload(try describe(key, .identity)) }

    func send(_ text: String, as number: Int, at offset: UInt64, of key: String, to upload: String) throws -> PartReceipt {
        let part = PartDescription(key: try ObjectKey(key), uploadID: upload, number: number, offset: offset, check: nil)
        return try Array(text.utf8).withUnsafeBytes { try session.uploadPart(part, body: $0) }
    }

    func complete(_ key: String, _ upload: String, _ parts: [PartReceipt]) throws {
        _ = try session.completeUpload(key: try ObjectKey(key), uploadID: upload, parts: parts, check: nil)
    }

    /// The object's text with the encoding it is said to have; nil when there is no object.
    func read(_ key: String) throws -> (text: String, encoding: ContentEncoding)? {
        guard let head = try session.head(try ObjectKey(key)) else { return nil }
        var bytes: [UInt8] = []
        try session.get(try ObjectKey(key)) { _, run in bytes += run }
        return (String(decoding: bytes, as: UTF8.self), head.encoding)
    }

    func keys() throws -> [String] { try session.list(prefix: "", after: nil, limit: 1_000).entries.map(\.key) }

    // MARK: - The files behind it

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    func write(_ text: String, to name: String) throws {
        let path = path(name)
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw SupportError("cannot write \(path)")
        }
    }

    func text(of name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// Lets a file look as if it was last written two hours ago.
    func age(_ name: String) throws {
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -7_200)], ofItemAtPath: path(name))
    }

    func files(in name: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted() }

    private func describe(_ key: String, _ encoding: ContentEncoding) throws -> ObjectDescription {
        ObjectDescription(key: try ObjectKey(key), contentType: "text/plain", encoding: encoding, metadata: [])
    }
}

/// The error that `work` ends in; nil when it succeeds.
func failure(of work: () throws -> some Any) throws -> ArtifactError? {
    do {
        _ = try work()
        return nil
    } catch let error as ArtifactError {
        return error
    }
}
