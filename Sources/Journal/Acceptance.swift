public import ArtifactModel

/// How the journal took a hand-over.
public enum Acceptance: Sendable, Equatable {
    /// A new job. `sequence` is its place in the order of acceptance; `destination` is the object's full URI, which the journal
    /// makes for an artifact of a run. Where it is provisional the job must be held: `Journal.confirmExperiment` decides it.
    case accepted(sequence: Int64, destination: String, isProvisional: Bool)
    /// The idempotency key was used before, for the same content: this is the job that came of it, in whatever state it is now.
    case duplicate(JobRecord)
}
