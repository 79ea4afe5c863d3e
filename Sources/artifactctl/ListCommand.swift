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
        try refuseWhatNoKeyBeginsWith(store: StoreLocation(url: client.welcome.store))
        var request = ListObjects(prefix: uri)
        repeat {
            let page = try client.objects(request)
            for entry in page.entries { try write(entry, output) }
            try output.flush()
            request.after = page.next
        } while request.after != nil
    }

    /// Nothing would be found, and that would look like an answer.
    private func refuseWhatNoKeyBeginsWith(store: StoreLocation) throws {
        // What lies elsewhere is for the daemon to judge.
        guard let prefix = store.relativeKey(of: uri) else { return }
        // A beginning is good where one more letter makes a key of it: `runs/`, and `.` for `.hidden`.
        let isWhole = !prefix.isEmpty && !prefix.hasSuffix("/") && !prefix.hasSuffix(".")
        do throws(ArtifactError) {
            _ = try ObjectKey(isWhole ? prefix : prefix + "x")
        } catch {
            throw ArtifactError(
                .invalidKey,
                "no object's key begins with '\(prefix.escapedForLog)': keys have no '.', '..' or empty component (nor a slash in "
                    + "front), no control characters, and at most \(ObjectKey.maximumBytes) bytes")
        }
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
