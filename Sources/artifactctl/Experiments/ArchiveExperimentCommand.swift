import ArgumentParser
import ArtifactWire

/// `artifactctl experiments archive`
struct ArchiveExperimentCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Archives an experiment: it and its runs are kept, and it takes no new ones.")

    @Argument(help: "Its id or its name.")
    var experiment: String

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let client = try options.connect()
        let id = try client.experiment(called: experiment).id
        try output.experiment(try client.updateExperiment(UpdateExperiment(id: id, stage: .deleted)))
    }
}
