import ArgumentParser
import ArtifactClient
import ArtifactModel

/// `artifactctl cancel`
struct CancelCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Gives a job up that is not finished yet.",
        discussion: "Ends with status 1 when the job had finished before.")

    @Argument(help: ArgumentHelp("The job's id.", valueName: "id"))
    var id: JobID

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var id: String
        var state: String
    }

    func run(_ output: Output) throws {
        let state = try options.connect().cancel(id)
        if output.isJSON {
            try output.document(Document(id: id.description, state: state.description))
        } else {
            try output.line("\(id)  \(state)")
        }
        if state != .cancelled { throw ExitStatus.failed }
    }
}
