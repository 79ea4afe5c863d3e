import ArgumentParser
import ArtifactClient
import ArtifactModel

/// `artifactctl rm`
struct RemoveCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Removes an object from the store.",
        discussion: "Ends with status 1 when there is none, or a job is still to write it.")

    @Argument(help: ArgumentHelp("The object; without a scheme, below the daemon's store.", valueName: "uri"))
    var uri: String

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var deleted: String
    }

    func run(_ output: Output) throws {
        try options.connect().delete(uri)
        if output.isJSON { try output.document(Document(deleted: uri)) } else { try output.line("removed \(uri.escapedForLog)") }
    }
}
