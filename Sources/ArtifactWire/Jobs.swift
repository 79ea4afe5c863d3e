public import ArtifactModel

/// Answers when jobs have come so far, or have failed, or the time is up.
public struct Wait: FramePayload {
    static let type = MessageType.wait

    /// The jobs; empty for all of the caller's that are not final yet.
    public var ids: [JobID]
    public var level: AcknowledgementLevel
    /// In milliseconds; nil to wait without end.
    public var timeout: UInt64?

    public init(ids: [JobID], level: AcknowledgementLevel = .stored, timeout: UInt64? = nil) {
        self.ids = ids
        self.level = level
        self.timeout = timeout
    }

    private enum Tags {
        static let id = Tag(critical: 1)
        static let level = Tag(critical: 2)
        static let timeout = Tag(critical: 3)
    }

    func encode(into fields: inout FieldWriter) {
        for id in ids { fields.write(Tags.id, id) }
        fields.write(Tags.level, level)
        if let timeout { fields.write(Tags.timeout, timeout) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        ids = try fields.jobIDs(Tags.id)
        level = try fields.choice(Tags.level, AcknowledgementLevel.self) ?? .stored
        timeout = try fields.integer(Tags.timeout)
    }
}

/// The answer to `Wait`.
public struct Waited: FramePayload {
    static let type = MessageType.waited

    /// How many of the jobs have not come so far; above zero only when the time was up.
    public var pending: UInt64
    /// How many of the jobs failed or were cancelled; where no job was named, how many jobs of the caller stand as failed.
    public var failed: UInt64

    public init(pending: UInt64, failed: UInt64) {
        self.pending = pending
        self.failed = failed
    }

    private enum Tags {
        static let pending = Tag(critical: 1)
        static let failed = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.pending, pending)
        fields.write(Tags.failed, failed)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        pending = try fields.required(fields.integer(Tags.pending), "pending")
        failed = try fields.required(fields.integer(Tags.failed), "failed")
    }
}

/// Asks for job records: the ones named, or a page of all in the order of acceptance.
public struct ListJobs: FramePayload {
    static let type = MessageType.listJobs

    /// The most records that one answer holds.
    public static let maximumLimit: UInt32 = 1000

    /// The jobs; empty for a page of all.
    public var ids: [JobID]
    /// Only jobs in one of these states; empty for any.
    public var states: [JobState]
    /// Only jobs with a higher sequence; nil to begin.
    public var after: Int64?
    public var limit: UInt32

    public init(ids: [JobID] = [], states: [JobState] = [], after: Int64? = nil, limit: UInt32 = 100) {
        self.ids = ids
        self.states = states
        self.after = after
        self.limit = limit
    }

    private enum Tags {
        static let id = Tag(critical: 1)
        static let state = Tag(critical: 2)
        static let after = Tag(critical: 3)
        static let limit = Tag(critical: 4)
    }

    func encode(into fields: inout FieldWriter) {
        for id in ids { fields.write(Tags.id, id) }
        for state in states { fields.write(Tags.state, bytes: [state.rawValue]) }
        if let after { fields.write(Tags.after, UInt64(bitPattern: after)) }
        fields.write(Tags.limit, UInt64(limit))
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        ids = try fields.jobIDs(Tags.id)
        states = []
        for value in fields.all(Tags.state) {
            guard value.count == 1, let byte = value.first, let state = JobState(rawValue: byte) else {
                throw ArtifactError(.invalidRequest, "listJobs: a state is one byte from 1 to \(JobState.allCases.count)")
            }
            states.append(state)
        }
        after = try fields.signed(Tags.after)
        limit = try fields.integer(Tags.limit, as: UInt32.self) ?? 100
        guard ids.count <= Self.maximumLimit, (1...Self.maximumLimit).contains(limit) else {
            throw ArtifactError(.invalidRequest, "listJobs: at most \(Self.maximumLimit) jobs a request; ask for further pages")
        }
    }
}

/// The answer to `ListJobs`.
public struct Jobs: FramePayload {
    static let type = MessageType.jobs

    public var records: [JobRecord]
    /// What to pass as `after` for the next page; nil when this is the last.
    public var next: Int64?

    public init(records: [JobRecord], next: Int64? = nil) {
        self.records = records
        self.next = next
    }

    private enum Tags {
        static let record = Tag(critical: 1)
        static let next = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        for record in records { fields.write(Tags.record, record) }
        if let next { fields.write(Tags.next, UInt64(bitPattern: next)) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        records = try fields.records(Tags.record, of: "job record")
        next = try fields.signed(Tags.next)
    }
}

/// Gives a job up that is not final yet.
public struct Cancel: FramePayload {
    static let type = MessageType.cancel

    public var id: JobID

    public init(id: JobID) { self.id = id }

    private enum Tags {
        static let id = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.id, id) }

    init(from fields: inout Fields) throws(ArtifactError) { id = try fields.required(fields.jobID(Tags.id), "id") }
}

/// The answer to `Cancel`: the state in which the job is now, `cancelled` unless it had become final before.
public struct Cancelled: FramePayload {
    static let type = MessageType.cancelled

    public var state: JobState

    public init(state: JobState) { self.state = state }

    private enum Tags {
        static let state = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.state, state) }

    init(from fields: inout Fields) throws(ArtifactError) {
        state = try fields.required(fields.choice(Tags.state, JobState.self), "state")
    }
}

/// Puts failed jobs back into the queue.
public struct Retry: FramePayload {
    static let type = MessageType.retry

    /// The most jobs that one request names: the answer may hold a refusal for each, and must fit into a frame.
    public static let maximumJobs = 1000

    /// The jobs; empty for all of the caller's that failed.
    public var ids: [JobID]

    public init(ids: [JobID]) { self.ids = ids }

    private enum Tags {
        static let id = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { for id in ids { fields.write(Tags.id, id) } }

    init(from fields: inout Fields) throws(ArtifactError) {
        ids = try fields.jobIDs(Tags.id)
        guard ids.count <= Self.maximumJobs else {
            throw ArtifactError(.invalidRequest, "retry: at most \(Self.maximumJobs) jobs a request; send several requests")
        }
    }
}

/// The answer to `Retry`.
public struct Retried: FramePayload {
    static let type = MessageType.retried

    /// How many jobs are in the queue again.
    public var count: UInt64
    /// Why others are not, one for each.
    public var refusals: [ErrorMessage]

    public init(count: UInt64, refusals: [ErrorMessage] = []) {
        self.count = count
        self.refusals = refusals
    }

    private enum Tags {
        static let count = Tag(critical: 1)
        static let refusal = Tag(2)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.count, count)
        for refusal in refusals { fields.write(Tags.refusal, refusal) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        count = try fields.required(fields.integer(Tags.count), "count")
        refusals = try fields.records(Tags.refusal, of: "refusal")
    }
}
