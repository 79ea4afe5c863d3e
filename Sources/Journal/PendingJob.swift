public import ArtifactModel

/// A job as recovery and the workers need it.
public struct PendingJob: Sendable, Equatable {
    /// A multipart upload that was begun, or was about to be.
    public struct Upload: Sendable, Equatable {
        /// Unix time in milliseconds of the first intent: no upload of this job is older.
        public var intendedAt: Int64
        /// The store's id; nil when the daemon ended between the intent and the store's answer. Then the store may hold an
        /// upload that only a listing finds.
        public var id: String?
        /// What produced the parts: codec and level, in the pipeline's own spelling.
        public var codec: String
        /// How many bytes of the source make a part.
        public var partSize: UInt64

        public init(intendedAt: Int64, id: String?, codec: String, partSize: UInt64) {
            self.intendedAt = intendedAt
            self.id = id
            self.codec = codec
            self.partSize = partSize
        }
    }

    /// The place in the order of acceptance.
    public var sequence: Int64
    /// The hand-over, with the pin, fingerprint and size as they are now, and without the inline bytes.
    public var job: NewJob
    public var state: JobState
    /// How often an upload was begun.
    public var attempts: UInt32
    /// Known once uploading has begun.
    public var encoding: ContentEncoding?
    /// Nil when no multipart upload is under way.
    public var upload: Upload?
    /// The experiment that the job's run belongs to; nil for a plain destination.
    public var experimentID: String?
    /// Whether the store has not confirmed that experiment's place: the job must be held until it has.
    public var isProvisional: Bool

    public init(
        sequence: Int64, job: NewJob, state: JobState, attempts: UInt32, encoding: ContentEncoding?, upload: Upload?,
        experimentID: String? = nil, isProvisional: Bool = false
    ) {
        self.sequence = sequence
        self.job = job
        self.state = state
        self.attempts = attempts
        self.encoding = encoding
        self.upload = upload
        self.experimentID = experimentID
        self.isProvisional = isProvisional
    }
}
