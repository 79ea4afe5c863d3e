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
        discussion: """
            The file appears, or is replaced, when all bytes are there; until then, and when anything fails, it is left alone. Where \
            it is a symbolic link, what it links to is replaced.
            """)

    @Argument(help: ArgumentHelp("The object; without a scheme, below the daemon's store.", valueName: "uri"))
    var uri: String

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            "Where to write: a file, or a directory for a file of the object's name in it. Unless given, and for '-': standard output.",
            valueName: "file"))
    var output: String?

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var uri: String
        var path: String
        var size: UInt64
        var encoding: String
        var contentType: String
    }

    /// The path of the file to write; nil for standard output.
    private var path: String? { output == "-" ? nil : output }

    func validate() throws {
        if output == "" { throw ValidationError("--output is empty; name a file or a directory") }
        if options.json, path == nil {
            throw ValidationError("--json needs a file as --output: standard output takes the object's bytes")
        }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        let uri = try client.uri(of: uri)
        guard let path else { return try Download.toStandardOutput { try client.get(uri, to: $0) } }
        let name = uri.split(separator: "/").last.map(String.init) ?? uri
        let (target, got) = try Download.toFile(path, named: name) { try client.get(uri, to: $0) }
        if output.isJSON {
            try output.document(
                Document(
                    uri: uri, path: target, size: got.size, encoding: got.encoding.description, contentType: got.contentType))
        } else {
            try output.line("\(target.shown)  \(Human.size(got.size))")
        }
    }
}
