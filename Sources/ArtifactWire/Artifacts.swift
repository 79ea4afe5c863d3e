public import ArtifactModel

/// Asks for a page of a run's artifacts, stored or pending, by rising path.
public struct ListArtifacts: FramePayload {
    static let type = MessageType.listArtifacts

    public var runID: String
    /// Only the artifact at this path and those below it; nil for all.
    public var path: String?
    /// nil for any.
    public var kind: ArtifactKind?
    /// `next` of the page before; nil to begin.
    public var after: String?
    public var limit: UInt32

    public init(
        runID: String, path: String? = nil, kind: ArtifactKind? = nil, after: String? = nil, limit: UInt32 = RegistryLimits.page
    ) {
        self.runID = runID
        self.path = path
        self.kind = kind
        self.after = after
        self.limit = limit
    }

    private enum Tags {
        static let runID = Tag(critical: 1)
        static let path = Tag(critical: 2)
        static let kind = Tag(critical: 3)
        static let after = Tag(critical: 4)
        static let limit = Tag(critical: 5)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.runID, runID)
        if let path { fields.write(Tags.path, path) }
        if let kind { fields.write(Tags.kind, kind) }
        if let after { fields.write(Tags.after, after) }
        fields.write(Tags.limit, UInt64(limit))
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        runID = try fields.runID(Tags.runID)
        path = try fields.string(Tags.path)
        kind = try fields.choice(Tags.kind, ArtifactKind.self)
        after = try fields.string(Tags.after)
        limit = try fields.limit(Tags.limit, default: RegistryLimits.page)
    }
}

/// The answer to `ListArtifacts`.
public struct Artifacts: FramePayload {
    static let type = MessageType.artifacts

    public var artifacts: [ArtifactRecord]
    /// What to pass as `after` for the next page; nil when this is the last.
    public var next: String?
    /// Why artifacts that other nodes stored may be missing; nil when all are here.
    public var incomplete: ArtifactError?

    public init(artifacts: [ArtifactRecord], next: String? = nil, incomplete: ArtifactError? = nil) {
        self.artifacts = artifacts
        self.next = next
        self.incomplete = incomplete
    }

    private enum Tags {
        static let artifact = Tag(critical: 1)
        static let next = Tag(critical: 2)
        static let incomplete = Tag(3)
    }

    func encode(into fields: inout FieldWriter) {
        for artifact in artifacts { fields.write(Tags.artifact, artifact) }
        if let next { fields.write(Tags.next, next) }
        if let incomplete { fields.write(Tags.incomplete, ErrorMessage(incomplete)) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        artifacts = try fields.records(Tags.artifact, of: "artifact")
        next = try fields.string(Tags.next)
        incomplete = try fields.record(Tags.incomplete, of: "incomplete", as: ErrorMessage.self)?.error
    }
}

/// Removes artifacts of a run: stored objects, and jobs that are still pending.
public struct DeleteArtifacts: FramePayload {
    static let type = MessageType.deleteArtifacts

    public var runID: String
    /// Relative to the run.
    public var path: String
    /// Whether all below `path` go too; with an empty `path` all of the run's.
    public var isRecursive: Bool

    public init(runID: String, path: String, isRecursive: Bool = false) {
        self.runID = runID
        self.path = path
        self.isRecursive = isRecursive
    }

    private enum Tags {
        static let runID = Tag(critical: 1)
        static let path = Tag(critical: 2)
        static let recursive = Tag(critical: 3)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.runID, runID)
        fields.write(Tags.path, path)
        fields.write(Tags.recursive, isRecursive)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        runID = try fields.runID(Tags.runID)
        path = try fields.required(fields.string(Tags.path), "path")
        isRecursive = try fields.flag(Tags.recursive)
    }
}

/// The answer to `DeleteArtifacts`.
public struct ArtifactsDeleted: FramePayload {
    static let type = MessageType.artifactsDeleted

    /// How many artifacts are gone.
    public var count: UInt64

    public init(count: UInt64) { self.count = count }

    private enum Tags {
        static let count = Tag(critical: 1)
    }

    func encode(into fields: inout FieldWriter) { fields.write(Tags.count, count) }

    init(from fields: inout Fields) throws(ArtifactError) {
        count = try fields.required(fields.integer(Tags.count), "count")
    }
}
