import ArgumentParser
import ArtifactClient
import ArtifactModel

/// `artifactctl job`
struct JobCommand: ControlCommand {
    static let configuration = CommandConfiguration(commandName: "job", abstract: "Shows all that is known of one job.")

    @Argument(help: ArgumentHelp("The job's id.", valueName: "id"))
    var id: JobID

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let job = try options.connect().job(id)
        if output.isJSON { return try output.document(JobDocument(job)) }
        try output.fields(Self.fields(job))
    }

    private static func fields(_ job: JobRecord) -> [(String, String)] {
        var fields = [
            ("id", job.id.description),
            ("state", job.state.description),
            ("destination", job.destination),
            ("source", job.label),
            ("size", "\(Human.size(job.size)) (\(job.size) bytes)"),
            ("done", "\(Human.percent(job.bytesDone, of: job.size)) (\(job.bytesDone) bytes)"),
            ("level", job.level.description),
            ("pin", job.pin.description),
            ("compression", job.compression.description),
        ]
        if let encoding = job.encoding { fields.append(("encoding", encoding.description)) }
        fields += [
            ("kind", job.kind.description),
            ("content type", job.contentType),
            ("tenant", job.tenant),
            ("uid", "\(job.uid)"),
            ("accepted", Human.moment(job.acceptedAt)),
            ("updated", Human.moment(job.updatedAt)),
            ("attempts", "\(job.attempts)"),
        ]
        if let size = job.storedSize { fields.append(("stored size", "\(Human.size(size)) (\(size) bytes)")) }
        if let etag = job.etag { fields.append(("etag", etag)) }
        if let checksum = job.checksum { fields.append(("checksum", checksum)) }
        if let error = job.error { fields.append(("error", "\(error.code): \(error)")) }
        return fields
    }
}
