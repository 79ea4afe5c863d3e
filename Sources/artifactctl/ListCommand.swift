import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl ls`
struct ListCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists the objects whose URI begins with this one: size in the store, time of change, URI.",
        discussion: "'artifactctl ls \"\"' lists the whole store.")

    @Argument(
        help: ArgumentHelp(
            "What the objects' URIs begin with; without a scheme, below the daemon's store. A '/' at its end makes it a directory.",
            valueName: "uri"))
    var uri: String

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var uri: String
        var size: UInt64
        var modifiedAt: Int64
        var etag: String
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        // What lies elsewhere is for the daemon to judge.
        if let prefix = try StoreLocation(url: client.welcome.store).relativeKey(of: uri) { try ObjectKey.checkBeginning(prefix) }
        var request = ListObjects(prefix: uri)
        repeat {
            let page = try client.objects(request)
            for entry in page.entries { try write(entry, output) }
            try output.flush()
            request.after = page.next
        } while request.after != nil
    }

    private func write(_ entry: Objects.Entry, _ output: Output) throws {
        if output.isJSON {
            try output.document(
                Document(uri: entry.uri, size: entry.size, modifiedAt: entry.modifiedAt, etag: entry.etag))
        } else {
            let size = Human.size(entry.size).padded(left: 8)
            try output.line("\(size)  \(Human.moment(entry.modifiedAt))  \(entry.uri.shown)")
        }
    }
}
