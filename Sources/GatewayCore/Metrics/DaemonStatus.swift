import ArtifactWire
import FoundationEssentials

/// The daemon's status document as far as metrics go. What a daemon does not tell is nil, and its metric is left out.
struct DaemonStatus: Decodable, Sendable {
    struct Daemon: Decodable, Sendable {
        var version: String
        var uptimeSeconds: Double
        var journal: String
        var storeCondition: String
    }

    struct Queue: Decodable, Sendable {
        var jobs: [String: UInt64]
        var bytes: [String: UInt64]
        var bytesPending: UInt64
        var limit: UInt64
        /// Unix milliseconds.
        var oldestAcceptedAt: Int64?
    }

    struct Workers: Decodable, Sendable {
        var active: UInt64
        var limit: UInt64
        var allowed: UInt64
    }

    struct Bounded: Decodable, Sendable {
        var used: UInt64
        var limit: UInt64
    }

    struct Throughput: Decodable, Sendable {
        var bytesRead: UInt64
        var bytesSent: UInt64
        var retries: UInt64
        /// Bytes of the sources of jobs accepted since the start.
        var bytesAccepted: UInt64?
    }

    /// One tenant's jobs.
    struct Tenant: Decodable, Sendable {
        var tenant: String
        var jobs: [String: UInt64]
    }

    struct Latencies: Decodable, Sendable {
        var part: Histogram?
        var handOver: Histogram?
    }

    struct JournalFile: Decodable, Sendable {
        var bytes: UInt64
    }

    var daemon: Daemon
    var queue: Queue
    var workers: Workers
    var buffers: Bounded
    var spool: Bounded
    var descriptors: Bounded
    var connections: Bounded
    var throughput: Throughput
    var tenants: [Tenant]?
    var latencies: Latencies?
    /// How often each error was met since the start, by its code.
    var errors: [String: UInt64]?
    var journal: JournalFile?

    init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(DaemonStatus.self, from: Data(json.utf8))
    }
}
