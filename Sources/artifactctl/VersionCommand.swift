import ArgumentParser
import ArtifactClient
import ArtifactModel

/// `artifactctl version`
struct VersionCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Says the version of this program, and of the daemon if it runs.")

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        struct Daemon: Encodable {
            var version: String
            var pid: UInt32
            var protocolVersion: UInt16
        }

        var client: String
        var daemon: Daemon?
        /// Why nothing is known of the daemon.
        var error: ErrorDocument?
    }

    func run(_ output: Output) throws {
        var document = Document(client: artifactdVersion)
        do throws(ClientError) {
            let welcome = try options.connect().welcome
            let version = welcome.server.dropping(prefix: "artifactd/") ?? welcome.server
            document.daemon = .init(version: version, pid: welcome.pid, protocolVersion: welcome.version)
        } catch {
            // That no daemon runs is an answer here, not a failure.
            document.error = ErrorDocument(code: error.code, message: error.description)
        }
        if output.isJSON { return try output.document(document) }
        try output.line("artifactctl \(document.client)")
        if let daemon = document.daemon {
            try output.line("artifactd \(daemon.version.escapedForLog) (pid \(daemon.pid), protocol \(daemon.protocolVersion))")
        }
        if let error = document.error { try output.note(error.message) }
    }
}
