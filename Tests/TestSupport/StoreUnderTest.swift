import ArtifactModel
public import ObjectStore
import Testing

/// A store that a conformance case works on, with short forms of what the cases do again and again.
public struct StoreUnderTest: Sendable {
    /// Where a server that users run departs from S3 in ways that no client can make good.
    public struct Quirks: OptionSet, Sendable {
        public let rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        /// A listing of several pages is sorted page by page, as the server keeps real directories.
        public static let sortsPagesAlone = Quirks(rawValue: 1)
        /// A backslash in a key counts as a slash, and several slashes as one.
        public static let mendsSlashes = Quirks(rawValue: 2)
        /// ListParts still names a part that was replaced, beside the one that replaced it.
        public static let listsReplacedParts = Quirks(rawValue: 4)

        /// SeaweedFS 4.48.
        public static let seaweedFS: Quirks = [.sortsPagesAlone, .mendsSlashes, .listsReplacedParts]
    }

    /// The store, empty.
    public let store: any ObjectStore
    let quirks: Quirks

    public init(_ store: any ObjectStore, quirks: Quirks = []) {
        self.store = store
        self.quirks = quirks
    }

    /// A size that every part but the last may have.
    var partSize: Int { max(store.limits.minimumPartSize, 64 << 10) }
}

/// An open multipart upload with what was sent of it.
struct UploadUnderTest {
    let key: ObjectKey
    let id: String
    var parts: [Int: (receipt: PartReceipt, check: CRC?)] = [:]

    /// The receipts by rising number.
    var receipts: [PartReceipt] { parts.sorted { $0.key < $1.key }.map(\.value.receipt) }

    /// The whole object's check, joined of those of the parts.
    var check: CRC? {
        let checks = parts.sorted { $0.key < $1.key }.compactMap(\.value.check)
        return checks.dropFirst().reduce(checks.first) { $0?.joined(with: $1) }
    }
}

extension ObjectStoreSession {
    /// The check that the store wants with these bytes.
    func check(of bytes: [UInt8]) throws -> CRC? {
        try integrity().crc.map { TableCRC.check($0, of: bytes) }
    }

    /// The CRC that the store verifies on receipt; nil where it verifies none.
    func verifiedCRC() throws -> CRC.Algorithm? {
        let integrity = try integrity()
        return integrity == .filesystem ? nil : integrity.crc
    }

    @discardableResult
    func put(
        _ key: String, _ bytes: [UInt8], contentType: String = "application/octet-stream", encoding: ContentEncoding = .identity,
        metadata: [(name: String, value: String)] = []
    ) throws -> StoredObject {
        let object = ObjectDescription(key: try ObjectKey(key), contentType: contentType, encoding: encoding, metadata: metadata)
        let check = try check(of: bytes)
        return try bytes.withUnsafeBytes { try put(object, body: $0, check: check) }
    }

    @discardableResult
    func putIfAbsent(
        _ key: String, _ bytes: [UInt8], encoding: ContentEncoding = .identity, metadata: [(name: String, value: String)] = []
    ) throws -> StoredObject? {
        let object = ObjectDescription(
            key: try ObjectKey(key), contentType: "application/json", encoding: encoding, metadata: metadata)
        let check = try check(of: bytes)
        return try bytes.withUnsafeBytes { try putIfAbsent(object, body: $0, check: check) }
    }

    /// The object's bytes, or some of them, and what was said of them.
    func read(_ key: String, _ range: Range<UInt64>? = nil) throws -> (info: ObjectInfo, bytes: [UInt8]) {
        var info: ObjectInfo?
        var bytes: [UInt8] = []
        try get(try ObjectKey(key), range: range) { said, run in
            if info == nil { #expect(run.isEmpty, "the first call brings the info alone") }
            info = said
            bytes += run
        }
        return (try #require(info, "the info comes even with an empty object"), bytes)
    }

    func begin(
        _ key: String, contentType: String = "application/octet-stream", encoding: ContentEncoding = .identity,
        metadata: [(name: String, value: String)] = []
    ) throws -> UploadUnderTest {
        let key = try ObjectKey(key)
        let object = ObjectDescription(key: key, contentType: contentType, encoding: encoding, metadata: metadata)
        return UploadUnderTest(key: key, id: try createUpload(object))
    }

    func send(_ bytes: [UInt8], as number: Int, at offset: Int, to upload: inout UploadUnderTest) throws {
        let check = try check(of: bytes)
        let part = PartDescription(key: upload.key, uploadID: upload.id, number: number, offset: UInt64(offset), check: check)
        let receipt = try bytes.withUnsafeBytes { try uploadPart(part, body: $0) }
        #expect(
            receipt.number == number && receipt.size == UInt64(bytes.count) && receipt.check == check && !receipt.etag.isEmpty)
        upload.parts[number] = (receipt, check)
    }

    @discardableResult
    func complete(_ upload: UploadUnderTest) throws -> StoredObject {
        try completeUpload(key: upload.key, uploadID: upload.id, parts: upload.receipts, check: upload.check)
    }

    /// All entries of a listing, read in pages of so many.
    func listAll(prefix: String = "", pageSize: Int = 1_000) throws -> (keys: [String], pages: [[String]]) {
        var pages: [[String]] = []
        var after: String?
        repeat {
            let page = try list(prefix: prefix, after: after, limit: pageSize)
            #expect(page.entries.count <= pageSize)
            pages.append(page.entries.map(\.key))
            after = page.next
        } while after != nil && pages.count < 100
        return (pages.flatMap { $0 }, pages)
    }
}

/// The code of the failure that `work` ends in; nil when it succeeds.
func code(of work: () throws -> some Any) throws -> ArtifactError.Code? {
    do {
        _ = try work()
        return nil
    } catch let error as ArtifactError {
        return error.code
    }
}

/// Whether the texts stand in the order of their bytes.
func isSorted(_ keys: [String]) -> Bool {
    zip(keys, keys.dropFirst()).allSatisfy { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
