public import ArtifactModel

/// Begins a run. Answered at once, whether the store answers or not, with `Message.runStarted`.
public struct StartRun: FramePayload {
    static let type = MessageType.startRun

    /// By id it must be there; by name it is made where there is none.
    public var experiment: ExperimentReference
    /// Chosen by the client, so that the request can be sent again; nil for a new one.
    public var runID: String?
    public var name: String
    public var description: String
    public var tags: [String: String]

    public init(
        experiment: ExperimentReference, runID: String? = nil, name: String = "", description: String = "",
        tags: [String: String] = [:]
    ) {
        self.experiment = experiment
        self.runID = runID
        self.name = name
        self.description = description
        self.tags = tags
    }

    private enum Tags {
        static let experimentID = Tag(critical: 1)
        static let experimentName = Tag(critical: 2)
        static let runID = Tag(critical: 3)
        static let name = Tag(4)
        static let description = Tag(5)
        static let tag = Tag(6)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(experiment, id: Tags.experimentID, name: Tags.experimentName)
        if let runID { fields.write(Tags.runID, runID) }
        fields.write(Tags.name, name)
        fields.write(Tags.description, description)
        fields.write(Tags.tag, tags: tags)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        experiment = try fields.experiment(id: Tags.experimentID, name: Tags.experimentName)
        runID = try fields.string(Tags.runID)
        if let runID { try fields.checkRunID(runID) }
        name = try fields.string(Tags.name) ?? ""
        let count = name.unicodeScalars.count
        try fields.require(
            count <= RegistryLimits.nameCodePoints,
            "the run's name has \(count) code points, at most \(RegistryLimits.nameCodePoints) are kept")
        description = try fields.string(Tags.description) ?? ""
        try fields.checkDescription(description)
        tags = try fields.newTags(Tags.tag)
    }
}

/// Asks for a run, of whatever node. Answered with `Message.run`.
public struct GetRun: FramePayload {
    static let type = MessageType.getRun

    public var runID: String

    public init(runID: String) { self.runID = runID }

    private enum Tags {
        static let runID = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.runID, runID) }

    init(from fields: inout Fields) throws(ArtifactError) { runID = try fields.runID(Tags.runID) }
}

/// Asks for a page of the tenant's runs, the latest first.
public struct ListRuns: FramePayload {
    static let type = MessageType.listRuns

    /// nil for the runs of all experiments.
    public var experimentID: String?
    /// nil for any.
    public var status: RunStatus?
    /// Only runs whose name or id contains this, whatever the case; nil for all.
    public var search: String?
    public var limit: UInt32
    /// How many to skip.
    public var offset: UInt64

    public init(
        experimentID: String? = nil, status: RunStatus? = nil, search: String? = nil, limit: UInt32 = 100, offset: UInt64 = 0
    ) {
        self.experimentID = experimentID
        self.status = status
        self.search = search
        self.limit = limit
        self.offset = offset
    }

    private enum Tags {
        static let experimentID = Tag(critical: 1)
        static let status = Tag(critical: 2)
        static let search = Tag(critical: 3)
        static let limit = Tag(critical: 4)
        static let offset = Tag(critical: 5)
    }

    func encode(into fields: inout FieldWriter) {
        if let experimentID { fields.write(Tags.experimentID, experimentID) }
        if let status { fields.write(Tags.status, status) }
        if let search { fields.write(Tags.search, search) }
        fields.write(Tags.limit, UInt64(limit))
        fields.write(Tags.offset, offset)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        experimentID = try fields.string(Tags.experimentID)
        if let experimentID { try fields.checkExperimentID(experimentID) }
        status = try fields.choice(Tags.status, RunStatus.self)
        search = try fields.string(Tags.search)
        limit = try fields.limit(Tags.limit, default: 100)
        offset = try fields.integer(Tags.offset) ?? 0
    }
}

/// The answer to `ListRuns`. May hold fewer than asked for although there are more.
public struct Runs: FramePayload {
    static let type = MessageType.runs

    public var runs: [Run]
    /// How many there are, without limit and offset.
    public var total: UInt64

    public init(runs: [Run], total: UInt64) {
        self.runs = runs
        self.total = total
    }

    private enum Tags {
        static let run = Tag(critical: 1)
        static let total = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        for run in runs { fields.write(Tags.run, run) }
        fields.write(Tags.total, total)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        runs = try fields.records(Tags.run, of: "run")
        total = try fields.required(fields.integer(Tags.total), "total")
    }
}

/// Ends a run: it takes no more artifacts, and its manifest is to be written. Answered with `Message.runEnded`.
public struct EndRun: FramePayload {
    static let type = MessageType.endRun

    public var runID: String
    /// How it ended: not `running`.
    public var status: RunStatus

    public init(runID: String, status: RunStatus) {
        self.runID = runID
        self.status = status
    }

    private enum Tags {
        static let runID = Tag(critical: 1)
        static let status = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.runID, runID)
        fields.write(Tags.status, status)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        runID = try fields.runID(Tags.runID)
        status = try fields.required(fields.choice(Tags.status, RunStatus.self), "status")
        try fields.require(status != .running, "a run ends as finished, failed or killed, not as running")
    }
}

/// What the answers about one run carry.
struct RunAnswer: FieldRecord {
    var run: Run

    init(run: Run) { self.run = run }

    private enum Tags {
        static let run = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.run, run) }

    init(from fields: inout Fields) throws(ArtifactError) {
        run = try fields.required(fields.record(Tags.run, of: "run"), "run")
    }
}
