import ArtifactClient
import ArtifactWire
import LinuxSystem
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

/// A command line that has run against a daemon's script, and what came of it.
struct CommandRun {
    let status: artifactctl.ExitStatus
    let lines: [String]
    let complaints: [String]

    /// Runs a command as the program does, within this process.
    /// - Parameter place: an empty directory for the socket.
    init(
        _ arguments: [String], at place: TemporaryDirectory, _ script: @escaping @Sendable (Peer) throws -> Void
    ) throws {
        let socket = "\(place.path)/socket"
        let daemon = try ScriptedDaemon(at: socket, script)
        let command = try #require(
            try ArtifactCtl.parseAsRoot(["--socket", socket] + arguments) as? any ControlCommand)
        let captured = try CapturedOutput(json: command.options.json)
        status = Self.run(command, captured.output)
        lines = try captured.lines()
        complaints = try captured.complaints()
        try daemon.finish()
    }

    private static func run(_ command: any ControlCommand, _ output: Output) -> artifactctl.ExitStatus {
        do {
            try command.run(output)
            return .done
        } catch {
            return output.explain(error)
        }
    }
}
