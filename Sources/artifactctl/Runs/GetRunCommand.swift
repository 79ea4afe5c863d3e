import ArgumentParser
import ArtifactModel

/// `artifactctl runs get`
struct GetRunCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows all that is known of one run, of whatever node.")

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let run = try options.connect().run(runID)
        if output.isJSON { try output.run(run) } else { try output.fields(Self.fields(run)) }
    }

    private static func fields(_ run: Run) -> [(String, String)] {
        var fields = [("id", run.id), ("status", run.status.description), ("experiment", run.experimentID)]
        if !run.name.isEmpty { fields.append(("name", run.name)) }
        if !run.description.isEmpty { fields.append(("description", run.description)) }
        fields += Human.tags(run.tags)
        fields += [
            ("artifacts", Human.place(run.artifactURI, isProvisional: run.isProvisional)),
            ("tenant", run.tenant),
            ("started", Human.moment(run.startedAt)),
        ]
        if let ended = run.endedAt { fields.append(("ended", Human.moment(ended))) }
        return fields
    }
}
