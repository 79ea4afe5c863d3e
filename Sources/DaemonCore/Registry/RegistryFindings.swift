import ArtifactModel

/// What a pass of the registrar found out that the journal does not say.
struct RegistryFindings: Sendable {
    /// What can be in trouble.
    enum Subject: Hashable, Sendable {
        case experiment(String)
        case run(String)
        case commit(CommitSubject)
        /// The journal, which could not be read.
        case journal
    }

    /// Why something is not in the store yet.
    var errors: [Subject: ArtifactError] = [:]
    /// The members that a group still lacks.
    var missing: [CommitSubject: [UInt32]] = [:]
}
