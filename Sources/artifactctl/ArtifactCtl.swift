import ArgumentParser
import ArtifactClient
import ArtifactModel
import Glibc
import LinuxSystem

/// The program: reads the command line, runs the command, and turns what it throws into words and an exit status.
@main
struct ArtifactCtl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifactctl",
        abstract: "Hands files over to artifactd, and says what becomes of them.",
        discussion: """
            Exit status: 0 done; 1 a job failed or an input was refused; 2 wrong usage; 3 no daemon; 75 try again later.
            """,
        version: artifactdVersion,
        subcommands: [
            PutCommand.self, StatusCommand.self, JobsCommand.self, JobCommand.self, WaitCommand.self, CancelCommand.self,
            RetryCommand.self, ListCommand.self, GetCommand.self, RemoveCommand.self, VersionCommand.self,
        ])

    @OptionGroup var options: GlobalOptions

    static func main() {
        System.ignoreSignals()
        Glibc.exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    private static func run(_ arguments: [String]) -> ExitStatus {
        var output = Output(json: false)
        do {
            var command = try parseAsRoot(arguments)
            if let command = command as? any ControlCommand {
                output = Output(json: command.options.json)
                try refuseRepairedText(exceptIn: (command as? PutCommand)?.paths ?? [])
                try command.run(output)
            } else {
                try command.run()
            }
            try output.flush()
            return .done
        } catch {
            do {
                return try output.explain(error)
            } catch {
                // Whoever read the output is gone: nobody is left to tell.
                return .failed
            }
        }
    }

    /// Refuses arguments that are not UTF-8: Swift has replaced what it could not read, so they would name something else.
    private static func refuseRepairedText(exceptIn paths: [String]) throws {
        if let argument = RawArguments.repaired.first(where: { !paths.contains($0.key) }) {
            throw ValidationError("the argument '\(argument.value)' is not UTF-8")
        }
    }
}

/// A command that has the global options.
protocol ControlCommand: ParsableCommand {
    var options: GlobalOptions { get }
    func run(_ output: Output) throws
}

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The daemon's socket; else $ARTIFACTD_SOCKET, else the usual place.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("The tenant to act for, where your user may act for several.", valueName: "name"))
    var tenant: String?

    @Flag(help: "Write JSON: one document a line for lists.")
    var json = false

    /// Connects to the daemon.
    func connect() throws(ClientError) -> Client {
        try Client.connect(
            socket: socket, environment: System.environment(), clientName: "artifactctl/\(artifactdVersion)", tenant: tenant)
    }
}
