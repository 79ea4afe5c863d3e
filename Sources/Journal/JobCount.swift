public import ArtifactModel

/// How many jobs of one tenant stand in one state.
public struct JobCount: Sendable, Equatable {
    public var tenant: String
    public var state: JobState
    public var jobs: UInt64
    /// The sizes of their sources.
    public var bytes: UInt64

    public init(tenant: String, state: JobState, jobs: UInt64, bytes: UInt64) {
        self.tenant = tenant
        self.state = state
        self.jobs = jobs
        self.bytes = bytes
    }
}
