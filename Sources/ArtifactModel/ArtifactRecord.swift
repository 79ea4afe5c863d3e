/// What is told about one artifact of a run.
public struct ArtifactRecord: Sendable, Equatable {
    /// Relative to the run.
    public var path: String
    /// The object's URI.
    public var uri: String
    /// The size in bytes, decoded; nil where it is not known: another node stored it compressed.
    public var size: UInt64?
    public var kind: ArtifactKind
    public var contentType: String
    public var state: JobState
    /// The CRC-32C of its bytes, decoded: `crc32c:` and base64; nil where it is not known.
    public var checksum: String?
    public var encoding: ContentEncoding?
    /// The object's size in the store, once stored.
    public var storedSize: UInt64?
    /// The object's entity tag, once stored.
    public var etag: String?
    /// Unix time in milliseconds of the last change of state.
    public var updatedAt: Int64
    /// The job that brings or brought it into the store; nil when that was another node's.
    public var job: JobID?
    /// Why it failed, or what it is waiting for.
    public var error: ArtifactError?

    public init(
        path: String, uri: String, size: UInt64?, kind: ArtifactKind, contentType: String, state: JobState,
        checksum: String? = nil, encoding: ContentEncoding? = nil, storedSize: UInt64? = nil, etag: String? = nil,
        updatedAt: Int64 = 0, job: JobID? = nil, error: ArtifactError? = nil
    ) {
        self.path = path
        self.uri = uri
        self.size = size
        self.kind = kind
        self.contentType = contentType
        self.state = state
        self.checksum = checksum
        self.encoding = encoding
        self.storedSize = storedSize
        self.etag = etag
        self.updatedAt = updatedAt
        self.job = job
        self.error = error
    }
}
