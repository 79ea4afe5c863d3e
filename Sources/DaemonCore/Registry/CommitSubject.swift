/// What is committed: a whole run, or one of its groups.
struct CommitSubject: Hashable, Sendable {
    var run: String
    /// Nil for the whole run.
    var group: String?
}
