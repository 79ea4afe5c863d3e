public import ArtifactModel

/// Hands one artifact over.
public struct Put: FramePayload {
    static let type = MessageType.put

    /// Where the bytes are.
    public enum Source: Sendable, Equatable {
        /// In the file whose descriptor travels with this frame.
        case descriptor
        /// Here.
        case inline([UInt8])
        /// In the file at this absolute path. Only from a peer of the daemon's own uid.
        case path(String)
        /// In the spool file of this number, opened earlier on this connection.
        case spool(UInt64)
    }

    /// The longest idempotency key, in bytes.
    public static let maximumIdempotencyKey = 128
    /// The longest label, in bytes of UTF-8.
    public static let maximumLabel = 4096

    /// The object's URI, or its key relative to the daemon's store.
    public var destination: String
    public var source: Source
    /// What the client calls the source, usually its absolute path: shown to people, and the way back to the file after a reboot.
    public var label: String
    /// nil for the daemon's default.
    public var compression: Compression?
    /// What the answer shall promise.
    public var level: AcknowledgementLevel
    /// Makes a repeated request the same job; scoped by uid and tenant.
    public var idempotencyKey: [UInt8]?
    /// nil to tell it from the destination's extension.
    public var contentType: String?
    /// nil for the daemon's default.
    public var changePolicy: ChangePolicy?

    public init(
        destination: String, source: Source, label: String = "", compression: Compression? = nil,
        level: AcknowledgementLevel = .accepted, idempotencyKey: [UInt8]? = nil, contentType: String? = nil,
        changePolicy: ChangePolicy? = nil
    ) {
        self.destination = destination
        self.source = source
        self.label = label
        self.compression = compression
        self.level = level
        self.idempotencyKey = idempotencyKey
        self.contentType = contentType
        self.changePolicy = changePolicy
    }

    private enum Tags {
        static let destination = Tag(critical: 1)
        static let inline = Tag(critical: 2)
        static let path = Tag(critical: 3)
        static let spool = Tag(critical: 4)
        static let label = Tag(5)
        static let compression = Tag(critical: 6)
        static let level = Tag(critical: 7)
        static let idempotencyKey = Tag(critical: 8)
        static let contentType = Tag(critical: 9)
        static let changePolicy = Tag(critical: 10)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.destination, destination)
        switch source {
        case .descriptor: break
        case .inline(let bytes): fields.write(Tags.inline, bytes: bytes)
        case .path(let path): fields.write(Tags.path, path)
        case .spool(let number): fields.write(Tags.spool, number)
        }
        if !label.isEmpty { fields.write(Tags.label, label) }
        if let compression { fields.write(Tags.compression, compression) }
        fields.write(Tags.level, level)
        if let idempotencyKey { fields.write(Tags.idempotencyKey, bytes: idempotencyKey) }
        if let contentType { fields.write(Tags.contentType, contentType) }
        if let changePolicy { fields.write(Tags.changePolicy, changePolicy) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        destination = try fields.required(fields.string(Tags.destination), "destination")
        var sources: [Source] = []
        if let bytes = try fields.bytes(Tags.inline) { sources.append(.inline(Array(bytes))) }
        if let path = try fields.string(Tags.path) { sources.append(.path(path)) }
        if let number = try fields.integer(Tags.spool) { sources.append(.spool(number)) }
        guard sources.count <= 1 else {
            throw ArtifactError(.invalidRequest, "put: inline bytes, a path and a spool exclude each other; send one of them")
        }
        source = sources.first ?? .descriptor
        label = try fields.string(Tags.label) ?? ""
        compression = try fields.choice(Tags.compression, Compression.self)
        level = try fields.choice(Tags.level, AcknowledgementLevel.self) ?? .accepted
        idempotencyKey = try fields.bytes(Tags.idempotencyKey).map(Array.init)
        contentType = try fields.string(Tags.contentType)
        changePolicy = try fields.choice(Tags.changePolicy, ChangePolicy.self)
        guard label.utf8.count <= Self.maximumLabel else {
            throw ArtifactError(
                .invalidRequest, "put: the label has \(label.utf8.count) bytes, at most \(Self.maximumLabel) are kept")
        }
        if let idempotencyKey, !(1...Self.maximumIdempotencyKey).contains(idempotencyKey.count) {
            throw ArtifactError(
                .invalidRequest,
                "put: the idempotency key has \(idempotencyKey.count) bytes; 1 to \(Self.maximumIdempotencyKey) are allowed")
        }
        if let contentType, !Self.isHeaderValue(contentType) {
            throw ArtifactError(
                .invalidRequest, "put: '\(contentType.escapedForLog)' is no content type; send printable ASCII of 1 to 255 bytes")
        }
    }

    /// Whether the text may stand in an HTTP header (RFC 9110, section 5.5), printable ASCII only.
    private static func isHeaderValue(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

/// The answer to `Put`, sent once the level that was asked for is reached.
public struct Accepted: FramePayload {
    static let type = MessageType.accepted

    public var id: JobID
    /// What is promised from here on: at least what was asked for.
    public var level: AcknowledgementLevel
    /// What keeps the bytes.
    public var pin: Pin
    /// The size of the source in bytes.
    public var size: UInt64
    /// Whether this is an earlier job of the same idempotency key.
    public var isDuplicate: Bool
    /// The object's URI in full.
    public var destination: String

    public init(
        id: JobID, level: AcknowledgementLevel, pin: Pin, size: UInt64, isDuplicate: Bool, destination: String
    ) {
        self.id = id
        self.level = level
        self.pin = pin
        self.size = size
        self.isDuplicate = isDuplicate
        self.destination = destination
    }

    private enum Tags {
        static let id = Tag(critical: 1)
        static let level = Tag(2)
        static let pin = Tag(3)
        static let size = Tag(4)
        static let duplicate = Tag(5)
        static let destination = Tag(6)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.id, id)
        fields.write(Tags.level, level)
        fields.write(Tags.pin, pin)
        fields.write(Tags.size, size)
        if isDuplicate { fields.write(Tags.duplicate, true) }
        fields.write(Tags.destination, destination)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        id = try fields.required(fields.jobID(Tags.id), "id")
        level = try fields.required(fields.choice(Tags.level, AcknowledgementLevel.self), "level")
        pin = try fields.required(fields.choice(Tags.pin, Pin.self), "pin")
        size = try fields.required(fields.integer(Tags.size), "size")
        isDuplicate = try fields.flag(Tags.duplicate)
        destination = try fields.required(fields.string(Tags.destination), "destination")
    }
}

/// Asks for a file of the daemon's own to write to. Committed with `Put`; gone with the connection otherwise.
public struct OpenSpool: FramePayload {
    static let type = MessageType.openSpool

    /// How many bytes the client means to write, as far as it knows; reserved against the quota.
    public var sizeHint: UInt64

    public init(sizeHint: UInt64) { self.sizeHint = sizeHint }

    private enum Tags {
        static let sizeHint = Tag(1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.sizeHint, sizeHint) }

    init(from fields: inout Fields) throws(ArtifactError) { sizeHint = try fields.integer(Tags.sizeHint) ?? 0 }
}

/// The answer to `OpenSpool`; one writable descriptor travels with it.
public struct SpoolOpened: FramePayload {
    static let type = MessageType.spoolOpened

    /// The number by which `Put` and `DiscardSpool` on this connection name it.
    public var spool: UInt64

    public init(spool: UInt64) { self.spool = spool }

    private enum Tags {
        static let spool = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.spool, spool) }

    init(from fields: inout Fields) throws(ArtifactError) { spool = try fields.required(fields.integer(Tags.spool), "spool") }
}

/// Gives a spool file back unused. Answered with `Message.spoolDiscarded`.
public struct DiscardSpool: FramePayload {
    static let type = MessageType.discardSpool

    public var spool: UInt64

    public init(spool: UInt64) { self.spool = spool }

    private enum Tags {
        static let spool = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.spool, spool) }

    init(from fields: inout Fields) throws(ArtifactError) { spool = try fields.required(fields.integer(Tags.spool), "spool") }
}
