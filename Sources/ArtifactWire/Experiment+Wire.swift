import ArtifactModel

/// The fields of an experiment.
extension Experiment: FieldRecord {
    private enum Tags {
        static let id = Tag(critical: 1)
        static let tenant = Tag(2)
        static let name = Tag(3)
        static let description = Tag(4)
        static let tag = Tag(5)
        static let artifactLocation = Tag(critical: 6)
        static let stage = Tag(7)
        static let createdAt = Tag(8)
        static let updatedAt = Tag(9)
        static let provisional = Tag(10)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.id, id)
        fields.write(Tags.tenant, tenant)
        fields.write(Tags.name, name)
        fields.write(Tags.description, description)
        fields.write(Tags.tag, tags: tags)
        fields.write(Tags.artifactLocation, artifactLocation)
        fields.write(Tags.stage, stage)
        fields.write(Tags.createdAt, UInt64(bitPattern: createdAt))
        fields.write(Tags.updatedAt, UInt64(bitPattern: updatedAt))
        fields.write(Tags.provisional, isProvisional)
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        self.init(
            id: try fields.required(fields.string(Tags.id), "id"),
            tenant: try fields.required(fields.string(Tags.tenant), "tenant"),
            name: try fields.required(fields.string(Tags.name), "name"),
            description: try fields.string(Tags.description) ?? "",
            tags: try fields.tags(Tags.tag),
            artifactLocation: try fields.required(fields.string(Tags.artifactLocation), "artifact_location"),
            stage: try fields.required(fields.choice(Tags.stage, LifecycleStage.self), "lifecycle_stage"),
            createdAt: try fields.signed(Tags.createdAt) ?? 0,
            updatedAt: try fields.signed(Tags.updatedAt) ?? 0,
            isProvisional: try fields.flag(Tags.provisional))
    }
}
