/// What runs are gathered under: a tenant's, by a name that never changes.
public struct Experiment: Sendable, Equatable {
    /// A UUID in its text form, which follows from tenant and name.
    public var id: String
    public var tenant: String
    public var name: String
    public var description: String
    public var tags: [String: String]
    /// The URI below which its runs lie, without a slash at its end.
    public var artifactLocation: String
    public var stage: LifecycleStage
    /// Unix time in milliseconds.
    public var createdAt: Int64
    /// Unix time in milliseconds of the last change.
    public var updatedAt: Int64
    /// Whether the store has not confirmed `artifactLocation` yet: another node may have been first with another one.
    public var isProvisional: Bool

    public init(
        id: String, tenant: String, name: String, description: String = "", tags: [String: String] = [:],
        artifactLocation: String, stage: LifecycleStage = .active, createdAt: Int64, updatedAt: Int64, isProvisional: Bool
    ) {
        self.id = id
        self.tenant = tenant
        self.name = name
        self.description = description
        self.tags = tags
        self.artifactLocation = artifactLocation
        self.stage = stage
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.isProvisional = isProvisional
    }

    /// The URI of a run's artifacts, without a slash at its end.
    public static func artifactURI(location: String, run: String) -> String { "\(location)/runs/\(run)/artifacts" }

    /// The URI that a run's artifacts and manifests lie below, without a slash at its end.
    public static func runURI(artifactURI: String) -> String { String(artifactURI.dropLast("/artifacts".count)) }
}

/// Whether an experiment takes new runs.
public enum LifecycleStage: UInt8, Sendable, NamedChoice {
    case active = 1
    /// Archived: kept, and takes no new runs until it is restored.
    case deleted = 2

    /// The name in JSON and on the command line.
    public var description: String { self == .active ? "active" : "deleted" }
}
