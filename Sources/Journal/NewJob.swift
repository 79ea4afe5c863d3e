public import ArtifactModel

/// A hand-over as the intake decided it, ready to be journalled.
public struct NewJob: Sendable, Equatable {
    public var id: JobID
    /// The uid that handed it over, from the peer credentials.
    public var uid: UInt32
    /// The gid that handed it over, from the peer credentials.
    public var gid: UInt32
    /// The tenant it counts for.
    public var tenant: String
    /// The client's key for sending the same request again, scoped by uid and tenant; nil when it gave none.
    public var idempotencyKey: [UInt8]?
    /// The object's full URI. Not read where the job belongs to a run: then the journal makes it, see `Acceptance`.
    public var destination: String
    /// The run whose artifact it is; nil for a plain destination.
    public var run: RunPlace?
    /// What the client called the source; a label, nothing more.
    public var label: String
    /// Where the daemon may find the file again by itself after a reboot; nil when there is no such way.
    public var path: String?
    /// The size of the source in bytes.
    public var size: UInt64
    /// What the file was when it was handed over; nil for bytes that never were a file.
    public var fingerprint: SourceFingerprint?
    /// What the client asked to be promised.
    public var level: AcknowledgementLevel
    public var pin: Pin
    /// The name of the file in the spool; nil when none is held there.
    public var spoolName: String?
    /// The content itself, where the pin is `inline`. Always nil in what the journal reads back: see `Journal.inlineBytes`.
    public var inlineBytes: [UInt8]?
    public var compression: Compression
    public var changePolicy: ChangePolicy
    public var kind: ArtifactKind
    public var contentType: String
    /// Unix time in milliseconds.
    public var acceptedAt: Int64

    public init(
        id: JobID, uid: UInt32, gid: UInt32, tenant: String, idempotencyKey: [UInt8]? = nil, destination: String,
        run: RunPlace? = nil, label: String, path: String? = nil, size: UInt64, fingerprint: SourceFingerprint? = nil,
        level: AcknowledgementLevel, pin: Pin, spoolName: String? = nil, inlineBytes: [UInt8]? = nil, compression: Compression,
        changePolicy: ChangePolicy, kind: ArtifactKind, contentType: String, acceptedAt: Int64
    ) {
        self.id = id
        self.uid = uid
        self.gid = gid
        self.tenant = tenant
        self.idempotencyKey = idempotencyKey
        self.destination = destination
        self.run = run
        self.label = label
        self.path = path
        self.size = size
        self.fingerprint = fingerprint
        self.level = level
        self.pin = pin
        self.spoolName = spoolName
        self.inlineBytes = inlineBytes
        self.compression = compression
        self.changePolicy = changePolicy
        self.kind = kind
        self.contentType = contentType
        self.acceptedAt = acceptedAt
    }
}
