import ArtifactModel

// The JSON documents by which daemons and readers find experiments, runs and what belongs to them in the store.
// Source: the specification, section 11.

/// `experiment.json`: written once, the store's wins.
struct ExperimentDocument: Codable, Equatable {
    var id: String
    var tenant: String
    var name: String
    var description: String
    var tags: [String: String]
    var artifactLocation: String
    var createdAt: Int64

    enum CodingKeys: String, CodingKey {
        case id, tenant, name, description, tags
        case artifactLocation = "artifact_location"
        case createdAt = "created_at"
    }

    init(_ experiment: Experiment) {
        id = experiment.id
        tenant = experiment.tenant
        name = experiment.name
        description = experiment.description
        tags = experiment.tags
        artifactLocation = experiment.artifactLocation
        createdAt = experiment.createdAt
    }
}

/// `state.json`: what may change of an experiment; the last writer wins.
struct ExperimentStateDocument: Codable, Equatable {
    var description: String
    var tags: [String: String]
    var lifecycleStage: String
    var updatedAt: Int64

    enum CodingKeys: String, CodingKey {
        case description, tags
        case lifecycleStage = "lifecycle_stage"
        case updatedAt = "updated_at"
    }

    init(_ experiment: Experiment) {
        description = experiment.description
        tags = experiment.tags
        lifecycleStage = "\(experiment.stage)"
        updatedAt = experiment.updatedAt
    }
}

/// `runs/{run_id}.json`: finds a run by its id alone.
struct RunDocument: Codable, Equatable {
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

    enum CodingKeys: String, CodingKey {
        case tenant, name, description, tags, status
        case runID = "run_id"
        case experimentID = "experiment_id"
        case startedAt = "started_at"
        case endedAt = "ended_at"
        case artifactURI = "artifact_uri"
    }

    init(_ run: Run) {
        runID = run.id
        experimentID = run.experimentID
        tenant = run.tenant
        name = run.name
        description = run.description
        tags = run.tags
        status = "\(run.status)"
        startedAt = run.startedAt
        endedAt = run.endedAt
        artifactURI = run.artifactURI
    }
}

/// One artifact in a manifest.
struct ArtifactDocument: Codable, Equatable {
    var path: String
    var uri: String
    var size: UInt64?
    var checksum: String?
    var kind: String
    var contentType: String
    var encoding: String?
    var storedSize: UInt64?
    var etag: String?

    enum CodingKeys: String, CodingKey {
        case path, uri, size, checksum, kind, encoding, etag
        case contentType = "content_type"
        case storedSize = "stored_size"
    }

    init(_ artifact: ArtifactRecord) {
        path = artifact.path
        uri = artifact.uri
        size = artifact.size
        checksum = artifact.checksum
        kind = "\(artifact.kind)"
        contentType = artifact.contentType
        encoding = artifact.encoding.map { "\($0)" }
        storedSize = artifact.storedSize
        etag = artifact.etag
    }
}

/// A daemon's manifest of a run: everything that it stored, written last.
struct ManifestDocument: Codable, Equatable {
    var runID: String
    var daemon: String
    var status: String
    var committedAt: Int64
    var artifacts: [ArtifactDocument]

    enum CodingKeys: String, CodingKey {
        case daemon, status, artifacts
        case runID = "run_id"
        case committedAt = "committed_at"
    }
}

/// What one member of a group has stored, written when that is everything.
struct MemberDocument: Codable, Equatable {
    var runID: String
    var group: String
    var member: UInt32
    var members: UInt32
    var artifacts: [ArtifactDocument]

    enum CodingKeys: String, CodingKey {
        case group, member, members, artifacts
        case runID = "run_id"
    }
}

/// `commit.json` of a group: its content follows from the members' documents alone.
struct GroupDocument: Codable, Equatable {
    var runID: String
    var group: String
    var members: UInt32
    var artifacts: [ArtifactDocument]

    enum CodingKeys: String, CodingKey {
        case group, members, artifacts
        case runID = "run_id"
    }
}
