import ArtifactModel
import ArtifactWire

extension JSON {
    /// An experiment as the API shows it.
    init(_ experiment: Experiment) {
        self = [
            "id": .string(experiment.id), "tenant_id": .string(experiment.tenant), "name": .string(experiment.name),
            "description": .string(experiment.description), "tags": .tags(experiment.tags),
            "artifact_location": .string(experiment.artifactLocation), "lifecycle_stage": .string(experiment.stage.description),
            "created_at": .integer(experiment.createdAt), "last_updated": .integer(experiment.updatedAt),
            "provisional": .bool(experiment.isProvisional),
        ]
    }

    /// A run as the API shows it.
    init(_ run: Run) {
        self = [
            "run_id": .string(run.id), "experiment_id": .string(run.experimentID), "tenant_id": .string(run.tenant),
            "name": .string(run.name), "description": .string(run.description), "tags": .tags(run.tags),
            "status": .string(run.status.description), "started_at": .integer(run.startedAt),
            "ended_at": run.endedAt.map { .integer($0) } ?? .null, "artifact_uri": .string(run.artifactURI),
            "provisional": .bool(run.isProvisional),
        ]
    }

    /// An artifact as the API shows it.
    init(_ artifact: ArtifactRecord) {
        self = [
            "path": .string(artifact.path), "uri": .string(artifact.uri), "size": artifact.size.map { .integer($0) } ?? .null,
            "kind": .string(artifact.kind.description), "content_type": .string(artifact.contentType),
            "state": .string(artifact.state.description), "checksum": artifact.checksum.map { .string($0) } ?? .null,
            "encoding": artifact.encoding.map { .string($0.description) } ?? .null,
            "stored_size": artifact.storedSize.map { .integer($0) } ?? .null, "etag": artifact.etag.map { .string($0) } ?? .null,
            "updated_at": .integer(artifact.updatedAt), "job_id": artifact.job.map { .string($0.description) } ?? .null,
            "error": artifact.error.map { ["code": .string($0.code.description), "message": .string($0.message)] } ?? .null,
        ]
    }
}
