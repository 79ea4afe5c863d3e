/// What is committed: a whole run, or one of its groups.
struct CommitSubject: Hashable, Sendable, CustomStringConvertible {
    var run: String
    /// Nil for the whole run.
    var group: String?

    var description: String { group.map { "group '\($0)' of run '\(run)'" } ?? "run '\(run)'" }
}
