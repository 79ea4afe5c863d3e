import ArtifactModel

/// What a pass of the registrar found out that the journal does not say.
struct RegistryFindings: Sendable {
    /// What can be in trouble.
    enum Subject: Hashable, Sendable, CustomStringConvertible {
        case experiment(String)
        case run(String)
        case commit(CommitSubject)
        /// The journal, which could not be read.
        case journal

        var description: String {
            switch self {
            case .experiment(let id): "experiment '\(id)'"
            case .run(let id): "run '\(id)'"
            case .commit(let commit): "commit of \(commit)"
            case .journal: "journal"
            }
        }
    }

    /// Why something is not in the store yet.
    var errors: [Subject: ArtifactError] = [:]
    /// The members that a group still lacks.
    var missing: [CommitSubject: [UInt32]] = [:]
}
