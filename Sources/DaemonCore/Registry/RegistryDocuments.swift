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

    /// The run; nil where its status is none that we know.
    var run: Run? {
        RunStatus(name: status).map { status in
            Run(
                id: runID, experimentID: experimentID, tenant: tenant, name: name, description: description, tags: tags,
                status: status, startedAt: startedAt, endedAt: endedAt, artifactURI: artifactURI, isProvisional: false)
        }
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
enum ManifestDocument {
    /// All of it but the artifacts.
    struct Head: Codable, Equatable {
        var runID: String
        var daemon: String
        var status: String
        var committedAt: Int64

        enum CodingKeys: String, CodingKey {
            case daemon, status
            case runID = "run_id"
            case committedAt = "committed_at"
        }
    }

    /// What a listing needs of it.
    struct Body: Decodable {
        var artifacts: [ArtifactDocument]
    }
}

/// What one member of a group has stored, written when that is everything.
enum MemberDocument {
    /// All of it but the artifacts.
    struct Head: Codable, Equatable {
        var runID: String
        var group: String
        var member: UInt32
        var members: UInt32

        enum CodingKeys: String, CodingKey {
            case group, member, members
            case runID = "run_id"
        }
    }

    /// What the group's document needs of it.
    struct Body: Decodable {
        var members: UInt32
        var artifacts: [ArtifactDocument]
    }
}

/// `commit.json` of a group: its content follows from the members' documents alone.
enum GroupDocument {
    /// All of it but the artifacts.
    struct Head: Codable, Equatable {
        var runID: String
        var group: String
        var members: UInt32

        enum CodingKeys: String, CodingKey {
            case group, members
            case runID = "run_id"
        }
    }
}

/// A document with a list of artifacts, made page by page: only its bytes are kept, not the records of a whole run.
struct ArtifactListDocument {
    private var bytes = Array("{\"artifacts\":[".utf8)
    private var isEmpty = true

    /// - Throws: `tooLarge` when there are more than a document may hold.
    mutating func append(_ artifacts: [ArtifactDocument]) throws(ArtifactError) {
        guard !artifacts.isEmpty else { return }
        let page = try RegistryStore.encode(artifacts)
        guard bytes.count + page.count < RegistryStore.maximumBytes - 4096 else {
            throw ArtifactError(
                .tooLarge,
                "a manifest would be larger than the \(RegistryStore.maximumBytes) bytes that it may have; commit fewer artifacts at "
                    + "a time: in groups, or in several runs")
        }
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        // Without the brackets.
        bytes += page.dropFirst().dropLast()
    }

    /// The whole document, with the fields of `head` besides.
    func finished(_ head: some Encodable) throws(ArtifactError) -> [UInt8] {
        bytes + Array("],".utf8) + (try RegistryStore.encode(head)).dropFirst()
    }
}
