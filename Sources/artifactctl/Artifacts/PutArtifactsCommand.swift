import ArgumentParser
import ArtifactClient
import ArtifactWire

/// `artifactctl artifacts put`
struct PutArtifactsCommand: HandOverCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Hands files over as artifacts of a run.",
        discussion: "Like 'artifactctl put', which tells more; --to is a path within the run.")

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Argument(help: ArgumentHelp("The files, and with --recursive directories.", valueName: "path"))
    var paths: [String]

    @Option(
        name: .customLong("to"),
        help: ArgumentHelp(
            "Where in the run: a directory if it ends in '/', else the path of the one file. Unless given: under the files' names.",
            valueName: "path"))
    var place: String?

    @OptionGroup var handOver: HandOverOptions
    @OptionGroup var options: GlobalOptions

    var destination: String { place ?? "" }

    func validate() throws { try checkDestination() }

    func run(_ output: Output) throws {
        try refuseDirectoriesThatDoNotFit()
        try handOverAll(output, preparing: { client throws(ClientError) in try client.attach(to: runID) }) {
            .artifact(ArtifactPlace(runID: runID, path: $0))
        }
    }
}
