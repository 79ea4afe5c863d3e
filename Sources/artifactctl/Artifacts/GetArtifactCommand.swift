import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl artifacts get`
struct GetArtifactCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Reads an artifact, decoded, to a file or to standard output.",
        discussion: """
            Like 'artifactctl get', which tells more. Status 75 where the artifact is on its way: the store may still hold an older \
            one of that path, which is not read.
            """)

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Argument(help: "The artifact's path within the run.")
    var path: String

    @OptionGroup var download: DownloadOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if path.isEmpty { throw ValidationError("the path is empty; name an artifact of the run") }
        try download.check(beside: options)
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        try client.attach(to: runID)
        // The path itself comes before all below it.
        let page = try client.artifacts(ListArtifacts(runID: runID, path: path, limit: 1))
        guard let artifact = page.artifacts.first, artifact.path.utf8.elementsEqual(path.utf8) else {
            if let incomplete = page.incomplete { throw incomplete }
            throw ArtifactError(
                .notFound,
                "run '\(runID.escapedForLog)' has no artifact '\(path.escapedForLog)'; 'artifactctl artifacts RUN' lists those it has"
            )
        }
        if artifact.state != .stored { try refuse(artifact, output) }
        try download.fetch(artifact.uri, client, output)
    }

    /// Says why an artifact that is not stored cannot be read.
    private func refuse(_ artifact: ArtifactRecord, _ output: Output) throws {
        let job = artifact.job.map { " \($0)" } ?? ""
        guard !artifact.state.isFinal else {
            throw ArtifactError(
                .conflict, "'\(path.escapedForLog)' is not stored: its job\(job) is \(artifact.state); retry it",
                cause: artifact.error?.description)
        }
        try output.complain(
            ArtifactError(
                .conflict, "'\(path.escapedForLog)' is not stored yet; 'artifactctl wait\(job)' waits for it",
                cause: artifact.error?.description))
        throw ExitStatus.tryAgain
    }
}
