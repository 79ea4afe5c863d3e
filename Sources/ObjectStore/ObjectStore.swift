public import ArtifactModel

/// A place where objects lie under keys: S3, or a directory.
///
/// The contract, which one conformance suite holds against every implementation:
/// - An object appears whole or not at all, and replaces an earlier one of the same key at once.
/// - When a call that writes returns, the object is durable as far as the store can promise.
/// - Keys are relative to `location` and have passed `ObjectKey`.
/// - A failure is an `ArtifactError` whose code says whether trying again can help.
/// - The store itself is shared by all threads; a session belongs to one thread at a time and blocks it.
public protocol ObjectStore: Sendable {
    /// What the keys are relative to.
    var location: StoreLocation { get }
    /// What the store allows.
    var limits: StoreLimits { get }
    /// A session for one thread. Does no I/O yet.
    /// - Parameter isCut: asked about once a second by a call that waits for a server; true ends the call as `cancelled`. Its outcome
    ///   is unknown then.
    func makeSession(isCut: @escaping @Sendable () -> Bool) -> any ObjectStoreSession
    /// Refuses a key that no object of this store can have now, so that no job for it need be accepted.
    ///
    /// Takes a few looks at directories at most.
    /// - Throws: `invalidKey`, and nothing else: what an outage hides from sight is not refused.
    func checkKey(_ key: ObjectKey) throws(ArtifactError)
}

extension ObjectStore {
    /// A session whose calls nobody cuts short.
    public func makeSession() -> any ObjectStoreSession { makeSession(isCut: { false }) }
}

/// One thread's way to the store: for S3 a connection that is kept alive.
public protocol ObjectStoreSession: AnyObject {
    /// How the store verifies what it receives; found out once an endpoint and bucket, at the first call.
    func integrity() throws(ArtifactError) -> Integrity

    /// Stores an object in one request.
    /// - Parameter check: of `body`, in the algorithm that `integrity()` names; nil where it names none.
    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject

    /// Stores a small object in one request, unless there is one of its key.
    ///
    /// Read the object back afterwards, and take what is there for the truth: some servers (rclone's, some gateways) ignore the
    /// condition, and then the last of several writers at the same moment wins; and when an answer is lost, the call that is sent
    /// again finds the object that the first one made.
    /// - Parameter object: its encoding is `identity`.
    /// - Parameter check: as in `put`.
    /// - Returns: nil when there is an object of that key. It stays as it is.
    /// - Throws: `storeRejected` also where a server knows the condition and does not support it.
    func putIfAbsent(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?
    ) throws(ArtifactError) -> StoredObject?

    /// Begins a multipart upload and returns its id.
    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String

    /// Sends one part. A part of the same number that was sent before is replaced.
    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt

    /// The parts that the store holds of an upload, by rising number.
    /// - Throws: `noSuchUpload` when the store does not know the upload.
    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart]

    /// Makes the object of its parts.
    /// - Parameter parts: all parts, by rising number from 1 without a gap.
    /// - Parameter check: of the whole object; nil where the store's integrity names no CRC.
    /// - Throws: `storeUnavailable` also where the outcome is unknown: ask `head` before trying again.
    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject

    /// Gives a multipart upload up and frees its parts. An upload that the store does not know is no error.
    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError)

    /// The multipart uploads of exactly this key that are neither completed nor aborted.
    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload]

    /// What is known of an object; nil when there is none.
    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo?

    /// The objects whose key begins with `prefix` (any text, empty for all), by rising key in UTF-8 byte order.
    /// - Parameter after: where to go on: `next` of the page before.
    /// - Parameter limit: at most so many, up to 1,000.
    func list(prefix: String, after: String?, limit: Int) throws(ArtifactError) -> ListPage

    /// Reads an object's bytes, or some of them, as they lie in the store.
    ///
    /// All bytes of a call are of one object, and the info is that object's: its size is the whole one. No checksum covers a part, so
    /// its info may lack one; that it has all its bytes is all that is known of it.
    /// - Parameter range: the bytes that are wanted; what lies beyond the object's end is left out. Nil for all. Where it is empty, or
    ///   begins at the end or beyond, there is the info alone.
    /// - Parameter receive: called first with the info and no bytes, then with each run of bytes; what it throws ends the read.
    /// - Throws: `notFound` when there is no such object.
    func get(
        _ key: ObjectKey, range: Range<UInt64>?, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError)

    /// Removes an object. One that is not there is no error.
    func delete(_ key: ObjectKey) throws(ArtifactError)
}

extension ObjectStoreSession {
    /// Reads the whole of an object.
    public func get(
        _ key: ObjectKey, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        try get(key, range: nil, receive: receive)
    }
}

/// What a store allows.
public struct StoreLimits: Sendable {
    /// The most parts that a multipart upload may have.
    public var maximumParts: Int
    /// The least size of a part other than the last, in bytes.
    public var minimumPartSize: Int
    /// The greatest size of a part or of an object stored in one request, in bytes.
    public var maximumPartSize: Int

    /// S3's limits: 10,000 parts of 5 MiB to 5 GiB.
    /// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
    public static let s3 = StoreLimits(maximumParts: 10_000, minimumPartSize: 5 << 20, maximumPartSize: 5 << 30)

    public init(maximumParts: Int, minimumPartSize: Int, maximumPartSize: Int) {
        self.maximumParts = maximumParts
        self.minimumPartSize = minimumPartSize
        self.maximumPartSize = maximumPartSize
    }
}

/// How a store verifies the bytes it receives.
public enum Integrity: String, Sendable, CaseIterable {
    /// A CRC-64/NVME in a header, verified on receipt.
    case crc64nvme
    /// A CRC-32C in a header, verified on receipt.
    case crc32c
    /// The SHA-256 of the payload, signed with the request.
    case sha256
    /// `Content-MD5`.
    case md5
    /// A local file system: what `write` and `fsync` accepted is taken as received.
    case filesystem
    /// The endpoint verifies nothing that we know of; the size alone is confirmed.
    case unverified

    /// The CRC that the caller passes with every body; nil when the store does its own digesting or none.
    public var crc: CRC.Algorithm? {
        switch self {
        case .crc64nvme: .crc64nvme
        // Not verified on receipt, but kept with the object, and verified by whoever reads it.
        case .crc32c, .filesystem: .crc32c
        default: nil
        }
    }
}

/// The key and the headers of an object to be stored, fixed before its bytes are read.
public struct ObjectDescription: Sendable {
    public var key: ObjectKey
    /// The media type (RFC 6838).
    public var contentType: String
    public var encoding: ContentEncoding
    /// User metadata: names in lower case letters, digits and hyphens; values any text. Percent-encoded to ASCII by the store;
    /// at most 2 KB altogether.
    public var metadata: [(name: String, value: String)]

    public init(key: ObjectKey, contentType: String, encoding: ContentEncoding, metadata: [(name: String, value: String)]) {
        self.key = key
        self.contentType = contentType
        self.encoding = encoding
        self.metadata = metadata
    }
}

/// One part of a multipart upload, without its bytes.
public struct PartDescription: Sendable {
    public var key: ObjectKey
    public var uploadID: String
    /// From 1, without gaps.
    public var number: Int
    /// Where the part's first byte stands in the finished object.
    public var offset: UInt64
    /// Of the part's bytes, in the algorithm of the store's integrity; nil where that names none.
    public var check: CRC?

    public init(key: ObjectKey, uploadID: String, number: Int, offset: UInt64, check: CRC?) {
        self.key = key
        self.uploadID = uploadID
        self.number = number
        self.offset = offset
        self.check = check
    }
}

/// What the store answered to a part.
public struct PartReceipt: Sendable, Equatable {
    public var number: Int
    /// The part's size in bytes.
    public var size: UInt64
    /// The part's entity tag, quotes included where the store sends them.
    public var etag: String
    /// The check that was sent with the part.
    public var check: CRC?

    public init(number: Int, size: UInt64, etag: String, check: CRC?) {
        self.number = number
        self.size = size
        self.etag = etag
        self.check = check
    }
}

/// A part that the store lists.
public struct ListedPart: Sendable, Equatable {
    public var number: Int
    public var size: UInt64
    public var etag: String

    public init(number: Int, size: UInt64, etag: String) {
        self.number = number
        self.size = size
        self.etag = etag
    }
}

/// A multipart upload that the store holds open.
public struct ListedUpload: Sendable, Equatable {
    public var id: String
    /// Unix time in milliseconds, by the store's clock.
    public var initiatedAt: Int64

    public init(id: String, initiatedAt: Int64) {
        self.id = id
        self.initiatedAt = initiatedAt
    }
}

/// What the store says of an object that it has just completed.
public struct StoredObject: Sendable, Equatable {
    /// The entity tag.
    public var etag: String
    /// The checksum that the store returned, `algorithm:base64`; nil when it returned none.
    public var checksum: String?

    public init(etag: String, checksum: String?) {
        self.etag = etag
        self.checksum = checksum
    }
}

/// What is known of an object in the store.
public struct ObjectInfo: Sendable {
    /// The size of the object as it lies in the store, in bytes.
    public var size: UInt64
    public var etag: String
    public var contentType: String
    public var encoding: ContentEncoding
    /// The user metadata, names in lower case, values percent-decoded.
    public var metadata: [String: String]
    /// The full object's checksum, `algorithm:base64`, where the store returns one.
    public var checksum: String?
    /// Unix time in milliseconds; nil when the store does not say.
    public var modifiedAt: Int64?

    public init(
        size: UInt64, etag: String, contentType: String, encoding: ContentEncoding, metadata: [String: String],
        checksum: String?, modifiedAt: Int64?
    ) {
        self.size = size
        self.etag = etag
        self.contentType = contentType
        self.encoding = encoding
        self.metadata = metadata
        self.checksum = checksum
        self.modifiedAt = modifiedAt
    }
}

/// One page of a listing.
public struct ListPage: Sendable {
    /// One object in a listing.
    public struct Entry: Sendable, Equatable {
        /// The key, relative to the store's location.
        public var key: String
        public var size: UInt64
        /// Unix time in milliseconds.
        public var modifiedAt: Int64
        public var etag: String

        public init(key: String, size: UInt64, modifiedAt: Int64, etag: String) {
            self.key = key
            self.size = size
            self.modifiedAt = modifiedAt
            self.etag = etag
        }
    }

    public var entries: [Entry]
    /// What to pass as `after` for the next page; nil when this is the last.
    public var next: String?

    public init(entries: [Entry], next: String?) {
        self.entries = entries
        self.next = next
    }
}
