public import ArtifactModel

/// Which runs to list.
public struct RunQuery: Sendable {
    /// Only this tenant's.
    public var tenant: String
    /// Only this experiment's; nil for all.
    public var experimentID: String?
    /// Only those that stand so; nil for all.
    public var status: RunStatus?
    /// Only runs whose name or id contains this, whatever the case (as `String.lowercased` folds it); nil for all.
    public var search: String?
    /// At most so many.
    public var limit: Int
    /// How many to skip.
    public var offset: Int

    public init(
        tenant: String, experimentID: String? = nil, status: RunStatus? = nil, search: String? = nil, limit: Int, offset: Int = 0
    ) {
        self.tenant = tenant
        self.experimentID = experimentID
        self.status = status
        self.search = search
        self.limit = limit
        self.offset = offset
    }
}
