public import ArtifactModel

/// Which artifacts of a run to list.
public struct ArtifactQuery: Sendable {
    public var run: String
    /// Only the artifact at this path and those below it; nil for all.
    public var path: String?
    /// Only those whose latest version is of this kind; nil for all.
    public var kind: ArtifactKind?
    /// Where to go on: the path of the last artifact of the page before.
    public var after: String?
    /// At most so many.
    public var limit: Int

    public init(run: String, path: String? = nil, kind: ArtifactKind? = nil, after: String? = nil, limit: Int) {
        self.run = run
        self.path = path
        self.kind = kind
        self.after = after
        self.limit = limit
    }
}
