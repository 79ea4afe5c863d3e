import ArgumentParser
import ArtifactClient
import ArtifactModel

/// Where an object is read to: the option of every `get`.
struct DownloadOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            "Where to write: a file, or a directory for a file of the object's name in it. Unless given, and for '-': standard output.",
            valueName: "file"))
    var output: String?

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
    }

    /// Refuses options that do not go with these.
    func check(beside options: GlobalOptions) throws {
        if options.json, path == nil {
            throw ValidationError("--json needs a file as --output: standard output takes the object's bytes")
        }
    }

    /// Reads an object, and says where it is now.
    func fetch(_ uri: String, _ client: Client, _ output: Output) throws {
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
