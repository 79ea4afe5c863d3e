import ArtifactModel

/// The fields of a job record.
extension JobRecord: FieldRecord {
    private enum Tags {
        static let id = Tag(critical: 1)
        static let sequence = Tag(2)
        static let uid = Tag(3)
        static let tenant = Tag(4)
        static let destination = Tag(5)
        static let label = Tag(6)
        static let size = Tag(7)
        static let state = Tag(critical: 8)
        static let level = Tag(9)
        static let pin = Tag(10)
        static let compression = Tag(11)
        static let encoding = Tag(12)
        static let kind = Tag(13)
        static let contentType = Tag(14)
        static let acceptedAt = Tag(15)
        static let updatedAt = Tag(16)
        static let attempts = Tag(17)
        static let bytesDone = Tag(18)
        static let storedSize = Tag(19)
        static let etag = Tag(20)
        static let checksum = Tag(21)
        static let error = Tag(22)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.id, id)
        fields.write(Tags.sequence, UInt64(bitPattern: sequence))
        fields.write(Tags.uid, UInt64(uid))
        fields.write(Tags.tenant, tenant)
        fields.write(Tags.destination, destination)
        fields.write(Tags.label, label)
        fields.write(Tags.size, size)
        fields.write(Tags.state, state)
        fields.write(Tags.level, level)
        fields.write(Tags.pin, pin)
        fields.write(Tags.compression, compression)
        if let encoding { fields.write(Tags.encoding, encoding) }
        fields.write(Tags.kind, kind)
        fields.write(Tags.contentType, contentType)
        fields.write(Tags.acceptedAt, UInt64(bitPattern: acceptedAt))
        fields.write(Tags.updatedAt, UInt64(bitPattern: updatedAt))
        fields.write(Tags.attempts, UInt64(attempts))
        fields.write(Tags.bytesDone, bytesDone)
        if let storedSize { fields.write(Tags.storedSize, storedSize) }
        if let etag { fields.write(Tags.etag, etag) }
        if let checksum { fields.write(Tags.checksum, checksum) }
        if let error { fields.write(Tags.error, ErrorMessage(error)) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        self.init(
            id: try fields.required(fields.jobID(Tags.id), "id"),
            sequence: try fields.signed(Tags.sequence) ?? 0,
            uid: try fields.integer(Tags.uid, as: UInt32.self) ?? 0,
            tenant: try fields.string(Tags.tenant) ?? "",
            destination: try fields.required(fields.string(Tags.destination), "destination"),
            label: try fields.string(Tags.label) ?? "",
            size: try fields.required(fields.integer(Tags.size), "size"),
            state: try fields.required(fields.choice(Tags.state, JobState.self), "state"),
            level: try fields.required(fields.choice(Tags.level, AcknowledgementLevel.self), "level"),
            pin: try fields.required(fields.choice(Tags.pin, Pin.self), "pin"),
            compression: try fields.required(fields.choice(Tags.compression, Compression.self), "compression"),
            encoding: try fields.choice(Tags.encoding, ContentEncoding.self),
            kind: try fields.required(fields.choice(Tags.kind, ArtifactKind.self), "kind"),
            contentType: try fields.required(fields.string(Tags.contentType), "content type"),
            acceptedAt: try fields.signed(Tags.acceptedAt) ?? 0,
            updatedAt: try fields.signed(Tags.updatedAt) ?? 0,
            attempts: try fields.integer(Tags.attempts, as: UInt32.self) ?? 0,
            bytesDone: try fields.integer(Tags.bytesDone) ?? 0,
            storedSize: try fields.integer(Tags.storedSize),
            etag: try fields.string(Tags.etag),
            checksum: try fields.string(Tags.checksum),
            error: try fields.record(Tags.error, of: "job error", as: ErrorMessage.self)?.error)
    }
}
