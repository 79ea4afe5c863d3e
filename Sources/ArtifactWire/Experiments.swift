public import ArtifactModel

/// Makes an experiment. Answered with `Message.experimentCreated`.
public struct CreateExperiment: FramePayload {
    static let type = MessageType.createExperiment

    /// Never changes.
    public var name: String
    public var description: String
    public var tags: [String: String]
    /// The URI below which its runs are to lie; nil for the usual place in the daemon's store.
    public var artifactLocation: String?

    public init(name: String, description: String = "", tags: [String: String] = [:], artifactLocation: String? = nil) {
        self.name = name
        self.description = description
        self.tags = tags
        self.artifactLocation = artifactLocation
    }

    private enum Tags {
        static let name = Tag(critical: 1)
        static let description = Tag(2)
        static let tag = Tag(3)
        static let artifactLocation = Tag(critical: 4)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.name, name)
        fields.write(Tags.description, description)
        fields.write(Tags.tag, tags: tags)
        if let artifactLocation { fields.write(Tags.artifactLocation, artifactLocation) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        name = try fields.required(fields.string(Tags.name), "name")
        try fields.checkExperimentName(name)
        description = try fields.string(Tags.description) ?? ""
        try fields.checkDescription(description)
        tags = try fields.newTags(Tags.tag)
        artifactLocation = try fields.string(Tags.artifactLocation)
    }
}

/// What names an experiment within its tenant.
public enum ExperimentReference: Sendable, Equatable {
    case id(String)
    case name(String)
}

/// Asks for an experiment. Answered with `Message.experiment`.
public struct GetExperiment: FramePayload {
    static let type = MessageType.getExperiment

    public var experiment: ExperimentReference

    public init(_ experiment: ExperimentReference) { self.experiment = experiment }

    private enum Tags {
        static let id = Tag(critical: 1)
        static let name = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) { fields.write(experiment, id: Tags.id, name: Tags.name) }

    init(from fields: inout Fields) throws(ArtifactError) {
        experiment = try fields.experiment(id: Tags.id, name: Tags.name)
    }
}

extension FieldWriter {
    mutating func write(_ experiment: ExperimentReference, id idTag: Tag, name nameTag: Tag) {
        switch experiment {
        case .id(let id): write(idTag, id)
        case .name(let name): write(nameTag, name)
        }
    }
}

extension Fields {
    /// Exactly one of the two.
    mutating func experiment(id idTag: Tag, name nameTag: Tag) throws(ArtifactError) -> ExperimentReference {
        switch (try string(idTag), try string(nameTag)) {
        case (let id?, nil):
            try checkExperimentID(id)
            return .id(id)
        case (nil, let name?):
            try checkExperimentName(name)
            return .name(name)
        default:
            throw ArtifactError(.invalidRequest, "name the experiment by its id or by its name, and not by both")
        }
    }
}

/// Asks for a page of the tenant's experiments, by rising name.
public struct ListExperiments: FramePayload {
    static let type = MessageType.listExperiments

    /// Only names that contain this, whatever the case; nil for all.
    public var search: String?
    /// nil for both.
    public var stage: LifecycleStage?
    public var limit: UInt32
    /// How many to skip.
    public var offset: UInt64

    public init(search: String? = nil, stage: LifecycleStage? = nil, limit: UInt32 = 100, offset: UInt64 = 0) {
        self.search = search
        self.stage = stage
        self.limit = limit
        self.offset = offset
    }

    private enum Tags {
        static let search = Tag(critical: 1)
        static let stage = Tag(critical: 2)
        static let limit = Tag(critical: 3)
        static let offset = Tag(critical: 4)
    }

    func encode(into fields: inout FieldWriter) {
        if let search { fields.write(Tags.search, search) }
        if let stage { fields.write(Tags.stage, stage) }
        fields.write(Tags.limit, UInt64(limit))
        fields.write(Tags.offset, offset)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        search = try fields.string(Tags.search)
        stage = try fields.choice(Tags.stage, LifecycleStage.self)
        limit = try fields.limit(Tags.limit, default: 100)
        offset = try fields.integer(Tags.offset) ?? 0
    }
}

/// The answer to `ListExperiments`. May hold fewer than asked for although there are more.
public struct Experiments: FramePayload {
    static let type = MessageType.experiments

    public var experiments: [Experiment]
    /// How many there are, without limit and offset.
    public var total: UInt64

    public init(experiments: [Experiment], total: UInt64) {
        self.experiments = experiments
        self.total = total
    }

    private enum Tags {
        static let experiment = Tag(critical: 1)
        static let total = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        for experiment in experiments { fields.write(Tags.experiment, experiment) }
        fields.write(Tags.total, total)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        experiments = try fields.records(Tags.experiment, of: "experiment")
        total = try fields.required(fields.integer(Tags.total), "total")
    }
}

/// Changes what may change of an experiment. Answered with `Message.experimentUpdated`.
public struct UpdateExperiment: FramePayload {
    static let type = MessageType.updateExperiment

    public var id: String
    /// nil to leave it as it is.
    public var description: String?
    /// Tags to set, and with nil to remove; those not named stay.
    public var tags: [String: String?]
    /// `deleted` archives, `active` restores; nil to leave it as it is.
    public var stage: LifecycleStage?

    public init(id: String, description: String? = nil, tags: [String: String?] = [:], stage: LifecycleStage? = nil) {
        self.id = id
        self.description = description
        self.tags = tags
        self.stage = stage
    }

    private enum Tags {
        static let id = Tag(critical: 1)
        static let description = Tag(critical: 2)
        static let tag = Tag(critical: 3)
        static let stage = Tag(critical: 4)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.id, id)
        if let description { fields.write(Tags.description, description) }
        fields.write(Tags.tag, changes: tags)
        if let stage { fields.write(Tags.stage, stage) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        id = try fields.required(fields.string(Tags.id), "id")
        try fields.checkExperimentID(id)
        description = try fields.string(Tags.description)
        if let description { try fields.checkDescription(description) }
        tags = try fields.tagChanges(Tags.tag)
        try fields.checkCount(ofTags: tags.count)
        stage = try fields.choice(Tags.stage, LifecycleStage.self)
    }
}

/// What the answers about one experiment carry.
struct ExperimentAnswer: FieldRecord {
    var experiment: Experiment

    init(experiment: Experiment) { self.experiment = experiment }

    private enum Tags {
        static let experiment = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.experiment, experiment) }

    init(from fields: inout Fields) throws(ArtifactError) {
        experiment = try fields.required(fields.record(Tags.experiment, of: "experiment"), "experiment")
    }
}
