import ArgumentParser
import ArtifactWire

/// `artifactctl artifacts rm`
struct RemoveArtifactsCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Removes artifacts of a run, and gives up the jobs that are to store them.",
        discussion: "Where there is nothing to remove the status is 1.")

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Argument(help: "The artifact's path within the run.")
    var path: String?

    @Flag(name: .shortAndLong, help: "Remove all below the path too.")
    var recursive = false

    @Flag(help: "Remove all artifacts of the run.")
    var all = false

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var count: UInt64
    }

    func validate() throws {
        // An empty path would be all of them: not what a script means whose variable is empty.
        if path == "" { throw ValidationError("the path is empty; name an artifact of the run, or give --all") }
        if (path == nil) != all { throw ValidationError("name an artifact, or give --all for all of the run's, not both") }
    }

    func run(_ output: Output) throws {
        var path = path ?? ""
        // As a directory is often written. A bare slash stays what it is, no path, and does not become all there is.
        if recursive, path != "/", path.hasSuffix("/") { path.removeLast() }
        let client = try options.connect()
        try client.attach(to: runID)
        let count = try client.deleteArtifacts(DeleteArtifacts(runID: runID, path: path, isRecursive: recursive || all))
        if output.isJSON {
            try output.document(Document(count: count))
        } else {
            try output.line("removed \(Human.count(count, "artifact"))")
        }
    }
}
