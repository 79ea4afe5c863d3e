import ArtifactModel

/// A run. Times are Unix milliseconds.
struct RunDocument: Encodable {
    var runID: String
    var experimentID: String
    var tenant: String
    var name: String
    var description: String
    var tags: [String: String]
    var status: String
    var startedAt: Int64
    var endedAt: Int64?
    var artifactURI: String
    /// Whether the store has not confirmed the URI yet.
    var provisional: Bool

    init(_ run: Run) {
        runID = run.id
        experimentID = run.experimentID
        tenant = run.tenant
        name = run.name
        description = run.description
        tags = run.tags
        status = run.status.description
        startedAt = run.startedAt
        endedAt = run.endedAt
        artifactURI = run.artifactURI
        provisional = run.isProvisional
    }
}
