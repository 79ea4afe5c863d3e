import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire
import FoundationEssentials
import Glibc
import LinuxSystem

/// `artifactctl status`
struct StatusCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Says what the daemon is doing, and what keeps it from doing more.")

    @Flag(help: "Draw it again and again, until interrupted.")
    var watch = false

    @Option(
        parsing: .unconditional, help: ArgumentHelp("With --watch, the time between two drawings.", valueName: "seconds"))
    var interval: Double = 1

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if !(0.1...86400).contains(interval) { throw ValidationError("--interval must be from 0.1 to 86400 seconds") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        repeat {
            let json = try client.status()
            if output.isJSON { try writeJSON(json, output) } else { try draw(json, output) }
            try output.flush()
            // Nothing is asked, so nothing comes: but the daemon's end ends the wait.
            if watch { _ = try client.receive(timeout: .milliseconds(Int64(interval * 1000))) }
        } while watch
    }

    /// The daemon's document: laid out for reading once, a line each when watched.
    private func writeJSON(_ json: String, _ output: Output) throws {
        let document = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !watch { encoder.outputFormatting.insert(.prettyPrinted) }
        try output.line(String(decoding: try encoder.encode(document), as: UTF8.self))
    }

    private func draw(_ json: String, _ output: Output) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(StatusReport.self, from: Data(json.utf8))
        let now = System.wallMilliseconds()
        guard watch, let screen = Terminal.size(of: STDOUT_FILENO) else {
            for line in StatusTable(report, now: now).lines { try output.line(line) }
            return
        }
        // One column and one line less than there are: the cursor stands behind the table, and what it pushes out would be the head.
        let room = Terminal.Size(width: screen.width - 1, height: screen.height - 1)
        // Home, each line cleared to its end, then all below: drawn over the last one without a flicker.
        let body = StatusTable(report, now: now, room: room).lines.map { "\($0)\u{1B}[K" }.joined(separator: "\n")
        try output.line("\u{1B}[H\(body)\u{1B}[J")
    }
}
