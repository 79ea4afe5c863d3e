import ArgumentParser
import ArtifactWire

/// `artifactctl experiments restore`
struct RestoreExperimentCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restores an archived experiment: it takes new runs again.")

    @Argument(help: "Its id or its name.")
    var experiment: String

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let client = try options.connect()
        let id = try client.experiment(called: experiment).id
        try output.experiment(try client.updateExperiment(UpdateExperiment(id: id, stage: .active)))
    }
}
