public import ArtifactModel

/// Asks for the objects below a prefix.
public struct ListObjects: FramePayload {
    static let type = MessageType.listObjects

    /// The most objects that one answer holds.
    public static let maximumLimit: UInt32 = 1000

    /// The URI, or the key relative to the store, that the objects begin with.
    public var prefix: String
    /// `next` of the page before; nil to begin.
    public var after: String?
    public var limit: UInt32

    public init(prefix: String, after: String? = nil, limit: UInt32 = 1000) {
        self.prefix = prefix
        self.after = after
        self.limit = limit
    }

    private enum Tags {
        static let prefix = Tag(critical: 1)
        static let after = Tag(critical: 2)
        static let limit = Tag(critical: 3)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.prefix, prefix)
        if let after { fields.write(Tags.after, after) }
        fields.write(Tags.limit, UInt64(limit))
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        prefix = try fields.required(fields.string(Tags.prefix), "prefix")
        after = try fields.string(Tags.after)
        limit = try fields.integer(Tags.limit, as: UInt32.self) ?? Self.maximumLimit
        guard (1...Self.maximumLimit).contains(limit) else {
            throw ArtifactError(
                .invalidRequest, "listObjects: 1 to \(Self.maximumLimit) objects a request; ask for further pages")
        }
    }
}

/// The answer to `ListObjects`.
public struct Objects: FramePayload {
    static let type = MessageType.objects

    /// One object of a listing.
    public struct Entry: Sendable, Equatable {
        /// The object's URI.
        public var uri: String
        /// The size as it lies in the store, in bytes.
        public var size: UInt64
        /// Unix time in milliseconds.
        public var modifiedAt: Int64
        public var etag: String

        public init(uri: String, size: UInt64, modifiedAt: Int64, etag: String) {
            self.uri = uri
            self.size = size
            self.modifiedAt = modifiedAt
            self.etag = etag
        }
    }

    public var entries: [Entry]
    /// What to pass as `after` for the next page; nil when this is the last.
    public var next: String?

    public init(entries: [Entry], next: String? = nil) {
        self.entries = entries
        self.next = next
    }

    private enum Tags {
        static let entry = Tag(critical: 1)
        static let next = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        for entry in entries { fields.write(Tags.entry, entry) }
        if let next { fields.write(Tags.next, next) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        entries = try fields.records(Tags.entry, of: "object")
        next = try fields.string(Tags.next)
    }
}

extension Objects.Entry: FieldRecord {
    private enum Tags {
        static let uri = Tag(critical: 1)
        static let size = Tag(2)
        static let modifiedAt = Tag(3)
        static let etag = Tag(4)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.uri, uri)
        fields.write(Tags.size, size)
        fields.write(Tags.modifiedAt, UInt64(bitPattern: modifiedAt))
        fields.write(Tags.etag, etag)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        uri = try fields.required(fields.string(Tags.uri), "uri")
        size = try fields.required(fields.integer(Tags.size), "size")
        modifiedAt = try fields.signed(Tags.modifiedAt) ?? 0
        etag = try fields.string(Tags.etag) ?? ""
    }
}

/// Asks for an object's bytes. One writable descriptor travels with it, to which the daemon writes.
///
/// All but the URI needs `Features.ranges`.
public struct Get: FramePayload {
    static let type = MessageType.get

    /// The object's URI, or its key relative to the store.
    public var uri: String
    /// The first byte that is wanted; nil for the object's first. At or beyond the end, none are written.
    public var offset: UInt64?
    /// The most bytes that are wanted; nil for all up to the end. With 0 none are written, but what is known is told.
    public var length: UInt64?
    /// Whether the bytes are wanted as they lie in the store, rather than decoded. Only so can a part of an encoded object be had.
    public var isRaw: Bool

    public init(uri: String, offset: UInt64? = nil, length: UInt64? = nil, isRaw: Bool = false) {
        self.uri = uri
        self.offset = offset
        self.length = length
        self.isRaw = isRaw
    }

    /// Whether the bare protocol version has no word for it.
    public var needsRanges: Bool { offset != nil || length != nil || isRaw }

    private enum Tags {
        static let uri = Tag(critical: 1)
        static let offset = Tag(critical: 2)
        static let length = Tag(critical: 3)
        static let raw = Tag(critical: 4)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.uri, uri)
        if let offset { fields.write(Tags.offset, offset) }
        if let length { fields.write(Tags.length, length) }
        // A daemon without the feature refuses the field, whatever it says.
        if isRaw { fields.write(Tags.raw, true) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        uri = try fields.required(fields.string(Tags.uri), "uri")
        offset = try fields.integer(Tags.offset)
        length = try fields.integer(Tags.length)
        isRaw = try fields.flag(Tags.raw)
    }
}

/// The answer to `Get`, sent when all bytes have been written.
public struct Got: FramePayload {
    static let type = MessageType.got

    /// How many bytes were written: decoded, unless the request was for them as they lie in the store.
    public var size: UInt64
    /// How the object is encoded in the store.
    public var encoding: ContentEncoding
    public var contentType: String
    /// How many bytes there are in all, in the form that was asked for; nil from a daemon that does not say.
    public var totalSize: UInt64?
    /// The object's entity tag: two parts of an object belong together when theirs are the same. Nil where the store has none.
    public var etag: String?

    public init(size: UInt64, encoding: ContentEncoding, contentType: String, totalSize: UInt64? = nil, etag: String? = nil) {
        self.size = size
        self.encoding = encoding
        self.contentType = contentType
        self.totalSize = totalSize
        self.etag = etag
    }

    private enum Tags {
        static let size = Tag(critical: 1)
        static let encoding = Tag(2)
        static let contentType = Tag(3)
        static let totalSize = Tag(4)
        static let etag = Tag(5)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.size, size)
        fields.write(Tags.encoding, encoding)
        fields.write(Tags.contentType, contentType)
        if let totalSize { fields.write(Tags.totalSize, totalSize) }
        if let etag { fields.write(Tags.etag, etag) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        size = try fields.required(fields.integer(Tags.size), "size")
        encoding = try fields.choice(Tags.encoding, ContentEncoding.self) ?? .identity
        contentType = try fields.string(Tags.contentType) ?? ""
        totalSize = try fields.integer(Tags.totalSize)
        etag = try fields.string(Tags.etag)
    }
}

/// Removes an object. Answered with `Message.deleted`.
public struct Delete: FramePayload {
    static let type = MessageType.delete

    /// The object's URI, or its key relative to the store.
    public var uri: String

    public init(uri: String) { self.uri = uri }

    private enum Tags {
        static let uri = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.uri, uri) }

    init(from fields: inout Fields) throws(ArtifactError) { uri = try fields.required(fields.string(Tags.uri), "uri") }
}
