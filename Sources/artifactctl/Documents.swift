import ArtifactModel

/// An error in JSON.
struct ErrorDocument: Encodable {
    var code: String
    var message: String
    var cause: String?
}

extension ErrorDocument {
    init(_ error: ArtifactError) {
        self.init(code: error.code.description, message: error.message, cause: error.cause)
    }
}

/// What went wrong with one input, or, without a path, with the whole.
struct Complaint: Encodable {
    var path: String?
    var error: ErrorDocument
}

/// What became of one file that was put.
struct PutDocument: Encodable {
    var id: String
    var path: String
    var destination: String
    var size: UInt64
    var state: String
    var level: String
    var pin: String
    /// Whether the job is an earlier one of the same idempotency key.
    var duplicate: Bool
    var error: ErrorDocument?
}

/// A job. Times are Unix milliseconds, sizes bytes.
struct JobDocument: Encodable {
    var id: String
    var sequence: Int64
    var uid: UInt32
    var tenant: String
    var destination: String
    var label: String
    var size: UInt64
    var state: String
    var level: String
    var pin: String
    var compression: String
    var encoding: String?
    var kind: String
    var contentType: String
    var acceptedAt: Int64
    var updatedAt: Int64
    var attempts: UInt32
    var bytesDone: UInt64
    var storedSize: UInt64?
    var etag: String?
    var checksum: String?
    var error: ErrorDocument?

    init(_ job: JobRecord) {
        id = job.id.description
        sequence = job.sequence
        uid = job.uid
        tenant = job.tenant
        destination = job.destination
        label = job.label
        size = job.size
        state = job.state.description
        level = job.level.description
        pin = job.pin.description
        compression = job.compression.description
        encoding = job.encoding?.description
        kind = job.kind.description
        contentType = job.contentType
        acceptedAt = job.acceptedAt
        updatedAt = job.updatedAt
        attempts = job.attempts
        bytesDone = job.bytesDone
        storedSize = job.storedSize
        etag = job.etag
        checksum = job.checksum
        error = job.error.map { ErrorDocument($0) }
    }
}
