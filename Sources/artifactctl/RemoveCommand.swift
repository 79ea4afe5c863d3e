import ArgumentParser
import ArtifactClient
import ArtifactModel

/// `artifactctl rm`
struct RemoveCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Removes an object from the store.",
        discussion: "An object that is not there is named, and the status is 1; likewise one that a job is still to write.")

    @Argument(help: ArgumentHelp("The object; without a scheme, below the daemon's store.", valueName: "uri"))
    var uri: String

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var deleted: String
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        let uri = try client.uri(of: uri)
        try client.delete(uri)
        if output.isJSON { try output.document(Document(deleted: uri)) } else { try output.line("removed \(uri.shown)") }
    }
}
