import ArtifactModel

/// An artifact of a run. Times are Unix milliseconds, sizes bytes.
struct ArtifactDocument: Encodable {
    var path: String
    var uri: String
    /// Of its bytes, decoded; absent where it is not known.
    var size: UInt64?
    var kind: String
    var contentType: String
    var state: String
    /// Of its bytes, decoded.
    var checksum: String?
    var encoding: String?
    var storedSize: UInt64?
    var etag: String?
    var updatedAt: Int64
    var job: String?
    var error: ErrorDocument?

    init(_ artifact: ArtifactRecord) {
        path = artifact.path
        uri = artifact.uri
        size = artifact.size
        kind = artifact.kind.description
        contentType = artifact.contentType
        state = artifact.state.description
        checksum = artifact.checksum
        encoding = artifact.encoding?.description
        storedSize = artifact.storedSize
        etag = artifact.etag
        updatedAt = artifact.updatedAt
        job = artifact.job?.description
        error = artifact.error.map { ErrorDocument($0) }
    }
}
