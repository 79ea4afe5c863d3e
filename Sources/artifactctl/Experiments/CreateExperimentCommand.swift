import ArgumentParser
import ArtifactWire

/// `artifactctl experiments create`
struct CreateExperimentCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an experiment, and writes its id.",
        discussion: "Status 1 where there is one of that name: an archived one must be restored instead.")

    @Argument(help: "What it is to be called; this never changes.")
    var name: String

    @Option(parsing: .unconditional, help: ArgumentHelp("What it is about.", valueName: "text"))
    var description = ""

    @OptionGroup var tags: TagOptions

    @Option(
        help: ArgumentHelp(
            "Below which URI the artifacts of its runs are to lie. Unless given: experiments/ID below the daemon's store.",
            valueName: "uri"))
    var location: String?

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let experiment = try options.connect().createExperiment(
            CreateExperiment(name: name, description: description, tags: tags.values, artifactLocation: location))
        if output.isJSON { try output.experiment(experiment) } else { try output.line(experiment.id) }
    }
}
