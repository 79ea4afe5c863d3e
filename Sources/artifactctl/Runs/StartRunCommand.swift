import ArgumentParser
import ArtifactWire

/// `artifactctl runs start`
struct StartRunCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Starts a run, and writes its id.",
        discussion: """
            The store need not answer for this. With --id the same command can be repeated: a run of that id in that experiment is \
            this run, as it stands.
            """)

    @Argument(help: "The experiment's id or name; by name it is made where there is none.")
    var experiment: String

    @Option(parsing: .unconditional, help: ArgumentHelp("What the run is to be called.", valueName: "text"))
    var name = ""

    @Option(
        help: ArgumentHelp(
            "The run's id, unique in the store: 1 to 64 of A-Z a-z 0-9 - _. Unless given: a new one.", valueName: "run"))
    var id: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("What it is about.", valueName: "text"))
    var description = ""

    @OptionGroup var tags: TagOptions
    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let client = try options.connect()
        let run = try client.startRun(
            StartRun(
                experiment: try client.experimentToStartIn(called: experiment), runID: id, name: name, description: description,
                tags: tags.values))
        if output.isJSON { try output.run(run) } else { try output.line(run.id) }
    }
}
