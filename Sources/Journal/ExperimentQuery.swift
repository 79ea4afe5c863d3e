public import ArtifactModel

/// Which experiments to list.
public struct ExperimentQuery: Sendable {
    /// Only this tenant's.
    public var tenant: String
    /// Only names that contain this, whatever the case (as `String.lowercased` folds it); nil for all.
    public var search: String?
    /// Only those in this stage; nil for all.
    public var stage: LifecycleStage?
    /// At most so many.
    public var limit: Int
    /// How many to skip.
    public var offset: Int

    public init(tenant: String, search: String? = nil, stage: LifecycleStage? = nil, limit: Int, offset: Int = 0) {
        self.tenant = tenant
        self.search = search
        self.stage = stage
        self.limit = limit
        self.offset = offset
    }
}
