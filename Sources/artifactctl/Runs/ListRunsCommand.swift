import ArgumentParser
import ArtifactModel
import ArtifactWire

/// `artifactctl runs list`
struct ListRunsCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists runs, the latest first: id, status, time of the start, name.",
        discussion: "Those of your tenant that this daemon has seen.")

    @Argument(help: "The experiment's id or name; none for the runs of all.")
    var experiment: String?

    @Option(help: "Only runs of this status.")
    var status: RunStatus?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Only runs whose name or id contains this, whatever the case.", valueName: "text"))
    var search: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let client = try options.connect()
        let request = ListRuns(
            experimentID: try experiment.map { try client.experiment(called: $0).id }, status: status, search: search,
            offset: page.skipped)
        try client.forEachRun(request, limit: page.most) { try output.run($0) }
    }
}
