import ArgumentParser
import ArtifactModel

/// `artifactctl experiments get`
struct GetExperimentCommand: ControlCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Shows all that is known of one experiment.")

    @Argument(help: "Its id or its name.")
    var experiment: String

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let experiment = try options.connect().experiment(called: experiment)
        if output.isJSON { try output.experiment(experiment) } else { try output.fields(Self.fields(experiment)) }
    }

    private static func fields(_ experiment: Experiment) -> [(String, String)] {
        var fields = [("id", experiment.id), ("name", experiment.name), ("stage", experiment.stage.description)]
        if !experiment.description.isEmpty { fields.append(("description", experiment.description)) }
        fields += Human.tags(experiment.tags)
        fields += [
            ("location", Human.place(experiment.artifactLocation, isProvisional: experiment.isProvisional)),
            ("tenant", experiment.tenant),
            ("created", Human.moment(experiment.createdAt)),
            ("updated", Human.moment(experiment.updatedAt)),
        ]
        return fields
    }
}
