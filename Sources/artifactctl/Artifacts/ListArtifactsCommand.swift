import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl artifacts list`
struct ListArtifactsCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists a run's artifacts: state, size, kind, content type, checksum, path.",
        discussion: """
            Those that are pending or failed too. Status 75 where those that other nodes have stored cannot be told because the \
            store does not answer.
            """)

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Option(help: "Only artifacts of this kind, which their extension tells.")
    var kind: ArtifactKind?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Only those whose path begins with this. A '/' at its end makes it a directory.", valueName: "path"))
    var prefix = ""

    @OptionGroup var options: GlobalOptions

    func run(_ output: Output) throws {
        try ObjectKey.checkBeginning(prefix)
        let client = try options.connect()
        try client.attach(to: runID)
        // The daemon is asked for the directory that it lies in: it knows no beginnings of names.
        let directory = prefix.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(prefix[..<$0]) }
        let incomplete = try client.forEachArtifact(ListArtifacts(runID: runID, path: directory, kind: kind)) { artifact in
            if artifact.path.utf8.starts(with: prefix.utf8) { try write(artifact, output) }
        }
        // A list that lacks something must not look like the whole.
        if let incomplete { throw incomplete }
    }

    private func write(_ artifact: ArtifactRecord, _ output: Output) throws {
        if output.isJSON { return try output.document(ArtifactDocument(artifact)) }
        var columns = [
            artifact.state.description.padded(to: 9), (artifact.size.map(Human.size) ?? "-").padded(left: 8),
            artifact.kind.description.padded(to: 13), artifact.contentType.shown.padded(to: 24),
            (artifact.checksum ?? "-").shown.padded(to: 15), artifact.path.shown,
        ]
        if let error = artifact.error { columns.append("(\(error.code): \(error.description.shown))") }
        try output.line(columns.joined(separator: "  "))
    }
}
