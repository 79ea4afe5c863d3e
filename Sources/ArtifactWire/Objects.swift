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

/// Asks for an object's bytes, decoded. One writable descriptor travels with it, to which the daemon writes.
public struct Get: FramePayload {
    static let type = MessageType.get

    /// The object's URI, or its key relative to the store.
    public var uri: String

    public init(uri: String) { self.uri = uri }

    private enum Tags {
        static let uri = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.uri, uri) }

    init(from fields: inout Fields) throws(ArtifactError) { uri = try fields.required(fields.string(Tags.uri), "uri") }
}

/// The answer to `Get`, sent when all bytes have been written.
public struct Got: FramePayload {
    static let type = MessageType.got

    /// How many bytes were written, after decoding.
    public var size: UInt64
    /// How the object was encoded in the store.
    public var encoding: ContentEncoding
    public var contentType: String

    public init(size: UInt64, encoding: ContentEncoding, contentType: String) {
        self.size = size
        self.encoding = encoding
        self.contentType = contentType
    }

    private enum Tags {
        static let size = Tag(critical: 1)
        static let encoding = Tag(2)
        static let contentType = Tag(3)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.size, size)
        fields.write(Tags.encoding, encoding)
        fields.write(Tags.contentType, contentType)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        size = try fields.required(fields.integer(Tags.size), "size")
        encoding = try fields.choice(Tags.encoding, ContentEncoding.self) ?? .identity
        contentType = try fields.string(Tags.contentType) ?? ""
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
