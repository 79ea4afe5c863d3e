/// Where a job stands.
public enum JobState: UInt8, Sendable, NamedChoice {
    /// In the journal, its source pinned, waiting for a worker.
    case accepted = 1
    /// A worker has begun to read and send it.
    case uploading = 2
    /// The object is complete in the store and confirmed.
    case stored = 3
    /// Quarantined with its reason; kept, and can be retried.
    case failed = 4
    /// Given up on request.
    case cancelled = 5

    /// The state's name in status, JSON and on the command line.
    public var description: String {
        switch self {
        case .accepted: "accepted"
        case .uploading: "uploading"
        case .stored: "stored"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// Whether the job will move no further by itself.
    public var isFinal: Bool { self == .stored || self == .failed || self == .cancelled }
}

/// How much is promised, in rising order. The protocol names the levels, the client chooses.
public enum AcknowledgementLevel: UInt8, Sendable, NamedChoice, Comparable {
    /// The job is fsynced in the journal and its source is pinned.
    case accepted = 1
    /// Besides, the daemon owns the fsynced bytes.
    case durable = 2
    /// The object is complete in the store and confirmed.
    case stored = 3

    /// The level's name on the command line and in JSON.
    public var description: String {
        switch self {
        case .accepted: "accepted"
        case .durable: "durable"
        case .stored: "stored"
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What keeps a job's bytes reachable between acceptance and the store.
public enum Pin: UInt8, Sendable, NamedChoice {
    /// The bytes stand in the journal itself.
    case inline = 1
    /// A hard link in the spool to the client's file.
    case link = 2
    /// The descriptor, kept by systemd's file descriptor store across restarts.
    case descriptorStore = 3
    /// The descriptor alone, as long as the daemon lives.
    case descriptor = 4
    /// The path alone; the daemon can open the file again by itself.
    case path = 5
    /// A file of the daemon's own in the spool.
    case spool = 6

    /// The pin's name in status and JSON.
    public var description: String {
        switch self {
        case .inline: "inline"
        case .link: "link"
        case .descriptorStore: "fdstore"
        case .descriptor: "descriptor"
        case .path: "path"
        case .spool: "spool"
        }
    }

    /// Whether the bytes are fsynced and the daemon's own: what DURABLE asks for.
    public var isDurable: Bool { self == .inline || self == .spool }
}

/// How the object's bytes are to be compressed, as asked for.
public enum Compression: UInt8, Sendable, NamedChoice {
    /// Stored as they are.
    case none = 1
    /// gzip (RFC 1952), always.
    case gzip = 2
    /// Zstandard (RFC 8878), always.
    case zstd = 3
    /// Zstandard where a sample of the content shrinks, else none.
    case auto = 4

    /// The name on the command line, in the configuration and in JSON.
    public var description: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .zstd: "zstd"
        case .auto: "auto"
        }
    }
}

/// How an object's bytes are encoded in the store: the value of `Content-Encoding`.
public enum ContentEncoding: UInt8, Sendable, NamedChoice {
    /// As they are; no header.
    case identity = 1
    /// A sequence of gzip members.
    case gzip = 2
    /// A sequence of Zstandard frames.
    case zstd = 3

    /// The name as `Content-Encoding` spells it.
    public var description: String {
        switch self {
        case .identity: "identity"
        case .gzip: "gzip"
        case .zstd: "zstd"
        }
    }
}

/// What to do when the source changed between acceptance and the end of its reading.
public enum ChangePolicy: UInt8, Sendable, NamedChoice {
    /// The job fails as `source_changed`.
    case fail = 1
    /// The upload starts again from the new content.
    case restart = 2

    /// The name on the command line, in the configuration and in JSON.
    public var description: String { self == .fail ? "fail" : "restart" }
}

/// What a file was when it was handed over, to find out later whether it still is.
///
/// The change time is left out on purpose: rename, link and unlink move it, and they change nothing in the content.
public struct SourceFingerprint: Hashable, Sendable {
    /// The device the file lies on.
    public var device: UInt64
    /// The inode's number on that device.
    public var inode: UInt64
    /// The size in bytes.
    public var size: UInt64
    /// The modification time in nanoseconds since the Unix epoch.
    public var modifiedNanoseconds: Int64

    /// A fingerprint from what `fstat` says.
    public init(device: UInt64, inode: UInt64, size: UInt64, modifiedNanoseconds: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modifiedNanoseconds = modifiedNanoseconds
    }
}

/// What the daemon tells about one job.
public struct JobRecord: Sendable, Equatable {
    public var id: JobID
    /// The place in the order of acceptance; rises by at least one a job. The cursor of job listings.
    public var sequence: Int64
    /// The uid that handed it over, from the peer credentials.
    public var uid: UInt32
    /// The tenant it counts for.
    public var tenant: String
    /// The object's URI.
    public var destination: String
    /// What the client called the source, usually its path; a label, nothing more.
    public var label: String
    /// The size of the source in bytes.
    public var size: UInt64
    public var state: JobState
    public var level: AcknowledgementLevel
    public var pin: Pin
    public var compression: Compression
    /// Known once uploading has begun.
    public var encoding: ContentEncoding?
    public var kind: ArtifactKind
    public var contentType: String
    /// Unix time in milliseconds.
    public var acceptedAt: Int64
    /// Unix time in milliseconds of the last change of state.
    public var updatedAt: Int64
    /// How often an upload was begun.
    public var attempts: UInt32
    /// How many bytes of the source are in the store by now.
    public var bytesDone: UInt64
    /// The object's size in the store, once stored.
    public var storedSize: UInt64?
    /// The object's entity tag, once stored.
    public var etag: String?
    /// The checksum of the object's bytes as the store has it, `algorithm:base64`, once stored.
    public var checksum: String?
    /// Why it failed, or what it is waiting for.
    public var error: ArtifactError?

    public init(
        id: JobID, sequence: Int64, uid: UInt32, tenant: String, destination: String, label: String, size: UInt64,
        state: JobState, level: AcknowledgementLevel, pin: Pin, compression: Compression, encoding: ContentEncoding? = nil,
        kind: ArtifactKind, contentType: String, acceptedAt: Int64, updatedAt: Int64, attempts: UInt32 = 0, bytesDone: UInt64 = 0,
        storedSize: UInt64? = nil, etag: String? = nil, checksum: String? = nil, error: ArtifactError? = nil
    ) {
        self.id = id
        self.sequence = sequence
        self.uid = uid
        self.tenant = tenant
        self.destination = destination
        self.label = label
        self.size = size
        self.state = state
        self.level = level
        self.pin = pin
        self.compression = compression
        self.encoding = encoding
        self.kind = kind
        self.contentType = contentType
        self.acceptedAt = acceptedAt
        self.updatedAt = updatedAt
        self.attempts = attempts
        self.bytesDone = bytesDone
        self.storedSize = storedSize
        self.etag = etag
        self.checksum = checksum
        self.error = error
    }
}
