import ArtifactModel

/// The fields of a run.
extension Run: FieldRecord {
    private enum Tags {
        static let id = Tag(critical: 1)
        static let experimentID = Tag(2)
        static let tenant = Tag(3)
        static let name = Tag(4)
        static let description = Tag(5)
        static let tag = Tag(6)
        static let status = Tag(7)
        static let startedAt = Tag(8)
        static let endedAt = Tag(9)
        static let artifactURI = Tag(critical: 10)
        static let provisional = Tag(11)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.id, id)
        fields.write(Tags.experimentID, experimentID)
        fields.write(Tags.tenant, tenant)
        fields.write(Tags.name, name)
        fields.write(Tags.description, description)
        fields.write(Tags.tag, tags: tags)
        fields.write(Tags.status, status)
        fields.write(Tags.startedAt, UInt64(bitPattern: startedAt))
        if let endedAt { fields.write(Tags.endedAt, UInt64(bitPattern: endedAt)) }
        fields.write(Tags.artifactURI, artifactURI)
        fields.write(Tags.provisional, isProvisional)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        self.init(
            id: try fields.required(fields.string(Tags.id), "run_id"),
            experimentID: try fields.required(fields.string(Tags.experimentID), "experiment_id"),
            tenant: try fields.required(fields.string(Tags.tenant), "tenant"),
            name: try fields.string(Tags.name) ?? "",
            description: try fields.string(Tags.description) ?? "",
            tags: try fields.tags(Tags.tag),
            status: try fields.required(fields.choice(Tags.status, RunStatus.self), "status"),
            startedAt: try fields.signed(Tags.startedAt) ?? 0,
            endedAt: try fields.signed(Tags.endedAt),
            artifactURI: try fields.required(fields.string(Tags.artifactURI), "artifact_uri"),
            isProvisional: try fields.flag(Tags.provisional))
    }
}
