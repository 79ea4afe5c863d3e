/// Where a hand-over belongs that is an artifact of a run.
public struct RunPlace: Sendable, Equatable {
    public var runID: String
    /// The artifact's path, relative to the run.
    public var path: String
    /// The group that is committed by itself; nil when it belongs to the run alone.
    public var group: String?
    /// Which member of the group handed it over; 0 without a group.
    public var member: UInt32

    public init(runID: String, path: String, group: String? = nil, member: UInt32 = 0) {
        self.runID = runID
        self.path = path
        self.group = group
        self.member = group == nil ? 0 : member
    }
}
