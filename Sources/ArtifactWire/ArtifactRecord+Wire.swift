import ArtifactModel

/// The fields of an artifact of a run.
extension ArtifactRecord: FieldRecord {
    private enum Tags {
        static let path = Tag(critical: 1)
        static let uri = Tag(2)
        static let size = Tag(3)
        static let kind = Tag(4)
        static let contentType = Tag(5)
        static let state = Tag(critical: 6)
        static let checksum = Tag(7)
        static let encoding = Tag(8)
        static let storedSize = Tag(9)
        static let etag = Tag(10)
        static let updatedAt = Tag(11)
        static let job = Tag(12)
        static let error = Tag(13)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.path, path)
        fields.write(Tags.uri, uri)
        if let size { fields.write(Tags.size, size) }
        fields.write(Tags.kind, kind)
        fields.write(Tags.contentType, contentType)
        fields.write(Tags.state, state)
        if let checksum { fields.write(Tags.checksum, checksum) }
        if let encoding { fields.write(Tags.encoding, encoding) }
        if let storedSize { fields.write(Tags.storedSize, storedSize) }
        if let etag { fields.write(Tags.etag, etag) }
        fields.write(Tags.updatedAt, UInt64(bitPattern: updatedAt))
        if let job { fields.write(Tags.job, job) }
        if let error { fields.write(Tags.error, ErrorMessage(error)) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        self.init(
            path: try fields.required(fields.string(Tags.path), "path"),
            uri: try fields.required(fields.string(Tags.uri), "uri"),
            size: try fields.integer(Tags.size),
            kind: try fields.required(fields.choice(Tags.kind, ArtifactKind.self), "kind"),
            contentType: try fields.string(Tags.contentType) ?? "",
            state: try fields.required(fields.choice(Tags.state, JobState.self), "state"),
            checksum: try fields.string(Tags.checksum),
            encoding: try fields.choice(Tags.encoding, ContentEncoding.self),
            storedSize: try fields.integer(Tags.storedSize),
            etag: try fields.string(Tags.etag),
            updatedAt: try fields.signed(Tags.updatedAt) ?? 0,
            job: try fields.jobID(Tags.job),
            error: try fields.record(Tags.error, of: "artifact error", as: ErrorMessage.self)?.error)
    }
}
