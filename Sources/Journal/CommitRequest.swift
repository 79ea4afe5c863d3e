public import ArtifactModel

/// That a manifest is to be written: of a run, or of one member of a group.
public struct CommitRequest: Sendable, Equatable {
    /// Rises with every request; a request that is made again gets a new one.
    public var number: Int64
    public var run: Run
    /// Nil for the whole run.
    public var group: String?
    /// Which member of the group; 0 for the whole run.
    public var member: UInt32
    /// How many members the group has; 0 for the whole run.
    public var members: UInt32
    /// The highest sequence at the time of the request: what was accepted later need not be stored for the manifest.
    public var bound: Int64
    /// Unix time in milliseconds.
    public var requestedAt: Int64
    /// Whether the manifest has been written since; of a group, the member's.
    public var isWritten: Bool

    public init(
        number: Int64, run: Run, group: String?, member: UInt32, members: UInt32, bound: Int64, requestedAt: Int64,
        isWritten: Bool
    ) {
        self.number = number
        self.run = run
        self.group = group
        self.member = member
        self.members = members
        self.bound = bound
        self.requestedAt = requestedAt
        self.isWritten = isWritten
    }
}
