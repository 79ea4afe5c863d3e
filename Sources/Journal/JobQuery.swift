public import ArtifactModel

/// Which jobs to list.
public struct JobQuery: Sendable {
    /// Only jobs in one of these states; nil for all.
    public var states: [JobState]?
    /// Only jobs of one of these tenants; nil for all.
    public var tenants: [String]?
    /// Only jobs that this uid handed over; nil for all.
    public var uid: UInt32?
    /// Where to go on: the sequence of the last job of the page before.
    public var after: Int64?
    /// At most so many.
    public var limit: Int

    public init(states: [JobState]? = nil, tenants: [String]? = nil, uid: UInt32? = nil, after: Int64? = nil, limit: Int) {
        self.states = states
        self.tenants = tenants
        self.uid = uid
        self.after = after
        self.limit = limit
    }
}
