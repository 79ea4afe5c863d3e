public import ArtifactModel
public import Logging
public import S3

/// Everything that can be set, with its defaults. Where a value comes from, in order: command line, environment, file, default.
public struct Configuration: Sendable, Equatable {
    /// The Unix socket's path.
    public var socket: String
    /// The directory of the journal, the spool and, with nothing else named, the store.
    public var state: String
    /// Where objects go.
    public var store: StoreLocation
    /// Further places that a destination may lie below.
    public var destinations: [StoreLocation] = []
    /// What a hand-over that names no compression gets; nil for the store's default (`auto` for S3, `none` for a directory).
    public var compression: Compression?
    /// What a hand-over that names no change policy gets.
    public var changePolicy: ChangePolicy = .fail
    /// The most upload workers, each one thread with one connection.
    public var workers: Int = 16
    /// The most bytes of part buffers.
    public var buffers: Int = 64 << 20
    /// The size of a part, and the size above which an object is sent in parts, in bytes.
    public var partSize: Int = 8 << 20
    /// The most jobs that may be pending; beyond it hand-overs are refused as `busy`.
    public var queueJobs: Int = 100_000
    /// The most bytes that pending jobs may have together; 0 for no bound.
    public var queueBytes: UInt64 = 0
    /// Files of at most so many bytes are kept in the journal.
    public var inlineLimit: Int = 64 << 10
    /// The most bytes of the daemon's own copies in the spool.
    public var spoolQuota: UInt64 = 64 << 30
    /// The most connections at once.
    public var connections: Int = 256
    /// The most requests open on one connection.
    public var requestsPerConnection: Int = 1024
    /// The most client descriptors held as pins; nil to follow the process's limit of open files.
    public var descriptors: Int?
    /// How long stored and cancelled jobs stay in the journal, in milliseconds.
    public var retention: Int64 = 7 * 86_400_000
    /// The most stored and cancelled jobs that stay in the journal.
    public var retentionJobs: Int = 100_000
    /// Who may act for which tenants; empty for everybody who can connect, as `default`.
    public var peers: [PeerRule] = []
    /// How S3 is spoken.
    public var s3 = S3()
    /// The least level that is logged.
    public var logLevel = Logger.Level.info

    /// How S3 is spoken.
    public struct S3: Sendable, Equatable {
        /// How the store shall verify what it receives.
        public var integrity: IntegritySetting = .auto
        /// Whether the bucket stands in the path; nil to decide by whether an endpoint is set.
        public var pathStyle: Bool?
        /// When bodies are signed.
        public var payloadSigning: PayloadSigning = .automatic
    }

    /// A configuration of defaults around the three paths.
    public init(socket: String, state: String, store: StoreLocation) {
        self.socket = socket
        self.state = state
        self.store = store
    }

    /// The least that `buffers` may be: room for one window of parallel compression beside one part.
    static let minimumBuffers = 32 << 20

    /// Refuses combinations that cannot work.
    /// - Parameter place: where a key's value stands, for the error message.
    func check(
        place: (ConfigurationSource.Key) -> String = { _ in "configuration" }
    ) throws(ArtifactError) {
        func refuse(_ key: ConfigurationSource.Key, _ why: String) -> ArtifactError {
            ArtifactError(.invalidRequest, "\(place(key)): \(key.rawValue) \(why)")
        }
        guard (1...1024).contains(workers) else { throw refuse(.workers, "is \(workers); 1 to 1024 are possible") }
        guard buffers >= Self.minimumBuffers else {
            throw refuse(.buffers, "is \(buffers) bytes; at least \(Self.minimumBuffers >> 20)MiB are needed")
        }
        // Half: an object that goes in one request is compressed from one buffer into another.
        guard (5 << 20...buffers / 2).contains(partSize) else {
            throw refuse(.partSize, "is \(partSize) bytes; 5MiB up to half of buffers (\(buffers / 2)) are possible")
        }
        guard (0...512 << 10).contains(inlineLimit) else {
            throw refuse(.inlineLimit, "is \(inlineLimit) bytes; 0 to 512KiB are possible")
        }
        guard queueJobs >= 1 else { throw refuse(.queueJobs, "is \(queueJobs); at least 1 is needed") }
        guard (1...10_000).contains(connections) else {
            throw refuse(.connections, "is \(connections); 1 to 10000 are possible")
        }
        guard (1...100_000).contains(requestsPerConnection) else {
            throw refuse(.requestsPerConnection, "is \(requestsPerConnection); 1 to 100000 are possible")
        }
        if let descriptors, descriptors < 0 { throw refuse(.descriptors, "is \(descriptors); at least 0 is needed") }
        guard retentionJobs >= 0 else { throw refuse(.retentionJobs, "is \(retentionJobs); at least 0 is needed") }
    }
}

/// Lets a peer act for tenants.
public struct PeerRule: Sendable, Equatable {
    /// Whom the rule is about.
    public enum Subject: Sendable, Equatable {
        case uid(UInt32)
        case gid(UInt32)
    }

    public var subject: Subject
    /// The tenants; nil for any. The first is the one that a client gets which names none.
    public var tenants: [String]?

    public init(subject: Subject, tenants: [String]?) {
        self.subject = subject
        self.tenants = tenants
    }
}
