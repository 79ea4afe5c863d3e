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

    /// Where the bytes go.
    public enum Target: Sendable, Equatable {
        /// To the object of this URI, or of this key relative to the daemon's store.
        case destination(String)
        /// To a place in a run.
        case artifact(ArtifactPlace)
    }

    /// The longest idempotency key, in bytes.
    public static let maximumIdempotencyKey = 128
    /// The longest label, in bytes of UTF-8.
    public static let maximumLabel = 4096

    public var target: Target
    public var source: Source
    /// What the client calls the source, usually its absolute path: shown to people, and the way back to the file after a reboot.
    public var label: String
    /// nil for the daemon's default.
    public var compression: Compression?
    /// What the answer shall promise.
    public var level: AcknowledgementLevel
    /// Makes a repeated request the same job; scoped by uid and tenant.
    public var idempotencyKey: [UInt8]?
    /// nil to tell it from the target's extension.
    public var contentType: String?
    /// nil for the daemon's default.
    public var changePolicy: ChangePolicy?

    public init(
        target: Target, source: Source, label: String = "", compression: Compression? = nil,
        level: AcknowledgementLevel = .accepted, idempotencyKey: [UInt8]? = nil, contentType: String? = nil,
        changePolicy: ChangePolicy? = nil
    ) {
        self.target = target
        self.source = source
        self.label = label
        self.compression = compression
        self.level = level
        self.idempotencyKey = idempotencyKey
        self.contentType = contentType
        self.changePolicy = changePolicy
    }

    /// A hand-over to an object outside of runs.
    public init(
        destination: String, source: Source, label: String = "", compression: Compression? = nil,
        level: AcknowledgementLevel = .accepted, idempotencyKey: [UInt8]? = nil, contentType: String? = nil,
        changePolicy: ChangePolicy? = nil
    ) {
        self.init(
            target: .destination(destination), source: source, label: label, compression: compression, level: level,
            idempotencyKey: idempotencyKey, contentType: contentType, changePolicy: changePolicy)
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
        static let runID = Tag(critical: 11)
        static let artifactPath = Tag(critical: 12)
        static let group = Tag(critical: 13)
        static let member = Tag(critical: 14)
    }

    func encode(into fields: inout FieldWriter) {
        if case .destination(let destination) = target { fields.write(Tags.destination, destination) }
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
        guard case .artifact(let place) = target else { return }
        fields.write(Tags.runID, place.runID)
        fields.write(Tags.artifactPath, place.path)
        guard let member = place.member else { return }
        fields.write(Tags.group, member.group)
        fields.write(Tags.member, UInt64(member.number))
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        target = try Self.target(from: &fields)
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

    private static func target(from fields: inout Fields) throws(ArtifactError) -> Target {
        let destination = try fields.string(Tags.destination)
        let runID = try fields.string(Tags.runID)
        let path = try fields.string(Tags.artifactPath)
        let member = try fields.groupMember(group: Tags.group, member: Tags.member)
        switch (destination, runID, path) {
        case (let destination?, nil, nil) where member == nil: return .destination(destination)
        case (nil, let runID?, let path?):
            try fields.checkRunID(runID)
            return .artifact(ArtifactPlace(runID: runID, path: path, member: member))
        default:
            throw ArtifactError(.invalidRequest, "put: send either a destination, or a run_id and an artifact_path")
        }
    }

    /// Whether the text may stand in an HTTP header (RFC 9110, section 5.5), printable ASCII only.
    private static func isHeaderValue(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

/// Where in a run an artifact lies.
public struct ArtifactPlace: Sendable, Equatable {
    public var runID: String
    /// Relative to the run's artifacts.
    public var path: String
    /// The member of a group that hands it over; nil for an artifact of no group.
    public var member: GroupMember?

    public init(runID: String, path: String, member: GroupMember? = nil) {
        self.runID = runID
        self.path = path
        self.member = member
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
