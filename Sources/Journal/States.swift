import ArtifactModel

/// Sets of job states as SQL writes them.
enum States {
    static let accepted = "\(JobState.accepted.rawValue)"
    static let uploading = "\(JobState.uploading.rawValue)"
    static let stored = "\(JobState.stored.rawValue)"
    static let failed = "\(JobState.failed.rawValue)"
    static let cancelled = "\(JobState.cancelled.rawValue)"
    /// Still on their way.
    static let pending = list([.accepted, .uploading])
    /// Their source is still needed.
    static let holding = list([.accepted, .uploading, .failed])
    /// All but cancelled.
    static let counting = list([.accepted, .uploading, .stored, .failed])
    /// Over and done with.
    static let purgeable = list([.stored, .cancelled])

    static func list(_ states: [JobState]) -> String {
        "(\(states.map { "\($0.rawValue)" }.joined(separator: ", ")))"
    }
}
