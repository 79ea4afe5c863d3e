import ArtifactModel

/// What the daemon says of itself: the document that `status` answers with, as JSON text.
///
/// It is JSON and not fields because its readers are people and scripts: they name its keys, and a new key must not need a new
/// reader.
public struct StatusText: FramePayload {
    static let type = MessageType.statusReport

    /// A `StatusReport` in JSON (RFC 8259).
    public var json: String

    public init(json: String) { self.json = json }

    private enum Tags {
        static let json = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.json, json) }

    init(from fields: inout Fields) throws(ArtifactError) { json = try fields.required(fields.string(Tags.json), "json") }
}

/// The status document. Times are Unix milliseconds, sizes bytes, rates bytes a second. In JSON the keys stand in snake case.
public struct StatusReport: Codable, Sendable {
    /// The daemon itself.
    public struct Daemon: Codable, Sendable {
        public var version: String
        public var pid: Int32
        public var uptimeSeconds: Double
        /// The store's URL.
        public var store: String
        /// How the store verifies what it receives, as found out; `unknown` until then.
        public var integrity: String
        /// `ok`, or why the journal takes no hand-overs.
        public var journal: String
        /// Whether the store takes what it is sent: `ok`, or what is wrong and since when.
        public var storeCondition: String

        public init(
            version: String, pid: Int32, uptimeSeconds: Double, store: String, integrity: String, journal: String,
            storeCondition: String
        ) {
            self.version = version
            self.pid = pid
            self.uptimeSeconds = uptimeSeconds
            self.store = store
            self.integrity = integrity
            self.journal = journal
            self.storeCondition = storeCondition
        }
    }

    /// One number for each state of a job.
    public struct ByState: Codable, Sendable, Equatable {
        public var accepted: UInt64
        public var uploading: UInt64
        public var stored: UInt64
        public var failed: UInt64
        public var cancelled: UInt64

        public init(accepted: UInt64, uploading: UInt64, stored: UInt64, failed: UInt64, cancelled: UInt64) {
            self.accepted = accepted
            self.uploading = uploading
            self.stored = stored
            self.failed = failed
            self.cancelled = cancelled
        }
    }

    /// The queue.
    public struct Queue: Codable, Sendable {
        public var jobs: ByState
        /// The sizes of their sources.
        public var bytes: ByState
        /// What is accepted and uploading and not in the store yet.
        public var bytesPending: UInt64
        /// The most jobs that may be pending.
        public var limit: UInt64
        /// When the oldest pending job was accepted; nil when none is pending.
        public var oldestAcceptedAt: Int64?

        public init(jobs: ByState, bytes: ByState, bytesPending: UInt64, limit: UInt64, oldestAcceptedAt: Int64?) {
            self.jobs = jobs
            self.bytes = bytes
            self.bytesPending = bytesPending
            self.limit = limit
            self.oldestAcceptedAt = oldestAcceptedAt
        }
    }

    /// One tenant's jobs.
    public struct Tenant: Codable, Sendable, Equatable {
        /// Its name; `other` for all together that are not listed.
        public var tenant: String
        public var jobs: ByState

        public init(tenant: String, jobs: ByState) {
            self.tenant = tenant
            self.jobs = jobs
        }
    }

    /// Upload workers.
    public struct Workers: Codable, Sendable {
        public var active: Int
        /// The most that may be active.
        public var limit: Int
        /// How many may be active now: adapts to throughput and to the store's wish for fewer requests.
        public var allowed: Int

        public init(active: Int, limit: Int, allowed: Int) {
            self.active = active
            self.limit = limit
            self.allowed = allowed
        }
    }

    /// An amount that is used of one that is bounded.
    public struct Bounded: Codable, Sendable {
        public var used: UInt64
        public var limit: UInt64

        public init(used: UInt64, limit: UInt64) {
            self.used = used
            self.limit = limit
        }
    }

    /// What went through.
    public struct Throughput: Codable, Sendable {
        /// Source bytes a second that reached the store, over the last ten seconds.
        public var bytesPerSecond: Double
        /// Source bytes that reached the store since the start.
        public var bytesRead: UInt64
        /// Object bytes that reached the store since the start: fewer where compressed.
        public var bytesSent: UInt64
        /// Requests that were sent again since the start.
        public var retries: UInt64
        /// Source bytes of the jobs that were accepted since the start.
        public var bytesAccepted: UInt64

        public init(bytesPerSecond: Double, bytesRead: UInt64, bytesSent: UInt64, retries: UInt64, bytesAccepted: UInt64) {
            self.bytesPerSecond = bytesPerSecond
            self.bytesAccepted = bytesAccepted
            self.bytesRead = bytesRead
            self.bytesSent = bytesSent
            self.retries = retries
        }
    }

    /// How long things took, since the start.
    public struct Latencies: Codable, Sendable {
        /// A new job: from its request's arrival until it was journalled, which is when it is ACCEPTED.
        public var handOver: Histogram
        /// A part, or an object without parts: from the request to the store until its answer, with what had to be sent again.
        public var part: Histogram

        public init(handOver: Histogram, part: Histogram) {
            self.handOver = handOver
            self.part = part
        }
    }

    /// The journal on the disk.
    public struct JournalFile: Codable, Sendable {
        /// With its write-ahead log.
        public var bytes: UInt64

        public init(bytes: UInt64) { self.bytes = bytes }
    }

    /// The last thing that went wrong.
    public struct Failure: Codable, Sendable {
        /// The error's code in snake case.
        public var code: String
        public var message: String
        /// When this reason first stood.
        public var since: Int64
        /// The job that met it; nil for the daemon as a whole.
        public var job: String?

        public init(code: String, message: String, since: Int64, job: String?) {
            self.code = code
            self.message = message
            self.since = since
            self.job = job
        }
    }

    /// A job that is being uploaded.
    public struct InFlight: Codable, Sendable {
        public var id: String
        public var destination: String
        public var size: UInt64
        public var bytesDone: UInt64
        /// At the rate of the last ten seconds; nil when that says nothing.
        public var etaSeconds: Double?

        public init(id: String, destination: String, size: UInt64, bytesDone: UInt64, etaSeconds: Double?) {
            self.id = id
            self.destination = destination
            self.size = size
            self.bytesDone = bytesDone
            self.etaSeconds = etaSeconds
        }
    }

    public var daemon: Daemon
    public var queue: Queue
    /// Of the tenants that the peer may act for: at most 100 by themselves, those with the most pending jobs first.
    public var tenants: [Tenant]
    public var workers: Workers
    public var buffers: Bounded
    public var spool: Bounded
    public var descriptors: Bounded
    public var connections: Bounded
    public var throughput: Throughput
    public var latencies: Latencies
    public var journal: JournalFile
    /// How often each error was met since the start, by its code in snake case: what an attempt at an upload, or at a document of the registry, failed with, and what
    /// a request was answered with.
    public var errors: [String: UInt64]
    public var lastError: Failure?
    public var inFlight: [InFlight]

    public init(
        daemon: Daemon, queue: Queue, tenants: [Tenant], workers: Workers, buffers: Bounded, spool: Bounded,
        descriptors: Bounded, connections: Bounded, throughput: Throughput, latencies: Latencies, journal: JournalFile,
        errors: [String: UInt64], lastError: Failure?, inFlight: [InFlight]
    ) {
        self.daemon = daemon
        self.queue = queue
        self.tenants = tenants
        self.workers = workers
        self.buffers = buffers
        self.spool = spool
        self.descriptors = descriptors
        self.connections = connections
        self.throughput = throughput
        self.latencies = latencies
        self.journal = journal
        self.errors = errors
        self.lastError = lastError
        self.inFlight = inFlight
    }
}
