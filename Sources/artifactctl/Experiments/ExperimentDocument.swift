import ArtifactModel

/// An experiment. Times are Unix milliseconds.
struct ExperimentDocument: Encodable {
    var id: String
    var tenant: String
    var name: String
    var description: String
    var tags: [String: String]
    var artifactLocation: String
    var lifecycleStage: String
    var createdAt: Int64
    var updatedAt: Int64
    /// Whether the store has not confirmed the location yet.
    var provisional: Bool

    init(_ experiment: Experiment) {
        id = experiment.id
        tenant = experiment.tenant
        name = experiment.name
        description = experiment.description
        tags = experiment.tags
        artifactLocation = experiment.artifactLocation
        lifecycleStage = experiment.stage.description
        createdAt = experiment.createdAt
        updatedAt = experiment.updatedAt
        provisional = experiment.isProvisional
    }
}
