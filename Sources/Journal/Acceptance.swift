public import ArtifactModel

/// How the journal took a hand-over.
public enum Acceptance: Sendable, Equatable {
    /// A new job. `sequence` is its place in the order of acceptance.
    case accepted(sequence: Int64)
    /// The idempotency key was used before, for the same content: this is the job that came of it, in whatever state it is now.
    case duplicate(JobRecord)
}
