/// How far the commit of a run or a group has come on this daemon.
public enum CommitState: Sendable, Equatable {
    /// Nobody has asked for it here.
    case neverRequested
    /// It is under way. Of a group these are the members that were committed here, by rising number.
    case open([CommitRequest])
    /// The manifest has been written; of a group, its `commit.json`.
    case committed
}
