import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem

/// `artifactctl get`
struct GetCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Reads an object, decoded, to a file or to standard output.",
        discussion: "FILE appears, or is replaced, when all bytes are there; until then it is left alone.")

    @Argument(help: ArgumentHelp("The object; without a scheme, below the daemon's store.", valueName: "uri"))
    var uri: String

    @Option(name: [.customShort("o"), .long], help: ArgumentHelp("Where to write; else standard output.", valueName: "file"))
    var output: String?

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var uri: String
        var path: String
        var size: UInt64
        var encoding: String
        var contentType: String
    }

    func validate() throws {
        if options.json, output == nil {
            throw ValidationError("--json needs --output: standard output takes the object's bytes")
        }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        guard let path = self.output else { return try Download.toStandardOutput { try client.get(uri, to: $0) } }
        let got = try Download.toFile(path) { try client.get(uri, to: $0) }
        if output.isJSON {
            try output.document(
                Document(
                    uri: uri, path: path, size: got.size, encoding: got.encoding.description, contentType: got.contentType))
        } else {
            try output.line("\(path.escapedForLog)  \(Human.size(got.size))")
        }
    }
}
