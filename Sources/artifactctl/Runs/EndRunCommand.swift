import ArgumentParser
import ArtifactModel
import ArtifactWire

/// `artifactctl runs end`
struct EndRunCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "Ends a run: it takes no more artifacts here, and its manifest is to be written.",
        discussion: """
            Does not wait for what is still to be stored; 'artifactctl runs wait' does. Ending a run again as the same changes \
            nothing.
            """)

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Option(help: "How it ended: finished unless given.")
    var status: RunStatus?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if status == .running { throw ValidationError("a run ends as finished, failed or killed, not as running") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        try client.attach(to: runID)
        try output.run(try client.endRun(EndRun(runID: runID, status: status ?? .finished)))
    }
}
