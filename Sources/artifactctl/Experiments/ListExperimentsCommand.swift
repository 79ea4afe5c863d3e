import ArgumentParser
import ArtifactModel
import ArtifactWire

/// `artifactctl experiments list`
struct ListExperimentsCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists experiments by name: id, stage, time of creation, name.")

    /// Which experiments are meant by their stage.
    enum Stage: String, CaseIterable, ExpressibleByArgument {
        case active, deleted, all

        /// nil for any.
        var filter: LifecycleStage? {
            switch self {
            case .active: .active
            case .deleted: .deleted
            case .all: nil
            }
        }
    }

    @Option(parsing: .unconditional, help: ArgumentHelp("Only names that contain this, whatever the case.", valueName: "text"))
    var search: String?

    @Option(help: "Those that take new runs, those that are archived, or all.")
    var stage = Stage.active

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        let request = ListExperiments(search: search, stage: stage.filter, offset: page.skipped)
        try options.connect().forEachExperiment(request, limit: page.most) { try output.experiment($0) }
    }
}
