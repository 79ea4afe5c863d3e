/// One run of an experiment: what artifacts belong to.
public struct Run: Sendable, Equatable {
    /// Chosen by whoever started it.
    public var id: String
    public var experimentID: String
    public var tenant: String
    public var name: String
    public var description: String
    public var tags: [String: String]
    public var status: RunStatus
    /// Unix time in milliseconds.
    public var startedAt: Int64
    /// Unix time in milliseconds; nil while it runs.
    public var endedAt: Int64?
    /// The URI that its artifacts lie below, without a slash at its end.
    public var artifactURI: String
    /// Whether the store has not confirmed the experiment's place, and with it `artifactURI`, yet.
    public var isProvisional: Bool

    public init(
        id: String, experimentID: String, tenant: String, name: String = "", description: String = "",
        tags: [String: String] = [:], status: RunStatus = .running, startedAt: Int64, endedAt: Int64? = nil, artifactURI: String,
        isProvisional: Bool
    ) {
        self.id = id
        self.experimentID = experimentID
        self.tenant = tenant
        self.name = name
        self.description = description
        self.tags = tags
        self.status = status
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.artifactURI = artifactURI
        self.isProvisional = isProvisional
    }
}

/// Where a run stands.
public enum RunStatus: UInt8, Sendable, NamedChoice {
    case running = 1
    /// Ended well.
    case finished = 2
    /// Ended by an error.
    case failed = 3
    /// Ended from outside.
    case killed = 4

    /// The name in JSON and on the command line.
    public var description: String {
        switch self {
        case .running: "running"
        case .finished: "finished"
        case .failed: "failed"
        case .killed: "killed"
        }
    }
}
