public import ArtifactModel

/// What a deletion took out of the listings.
public struct RemovedArtifacts: Sendable, Equatable {
    /// The paths that were listed before, by rising bytes.
    public var paths: [String]
    /// Their jobs that are accepted, uploading or failed, in the order of acceptance: to be cancelled.
    public var jobs: [JobID]

    public init(paths: [String], jobs: [JobID]) {
        self.paths = paths
        self.jobs = jobs
    }
}
