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
            A job is one file on its way into the store, and has an id. An object is what it becomes there. Where a command takes a \
            URI, a key without a scheme (runs/7/model.pt) names the object below the daemon's store. An experiment has runs, and a \
            run has artifacts: objects that are known by their path within the run.

            Exit status: 0 done; 1 a job failed or an input was refused; 2 wrong usage; 3 no daemon; 75 try again later: a bound is \
            reached, the store or the disk is away or full, the time is up, or the daemon does not answer. Where 1 and 75 both hold \
            it is 1.
            """,
        version: artifactdVersion,
        subcommands: [
            PutCommand.self, StatusCommand.self, JobsCommand.self, JobCommand.self, WaitCommand.self, CancelCommand.self,
            RetryCommand.self, ListCommand.self, GetCommand.self, RemoveCommand.self, ExperimentsCommand.self, RunsCommand.self,
            ArtifactsCommand.self, VersionCommand.self,
        ])

    @OptionGroup var options: GlobalOptions

    static func main() {
        System.ignoreSignals()
        fillStandardDescriptors()
        Glibc.exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Fills the places of standard input, output and error where they are closed: else the daemon's socket would take one, and get
    /// what is printed. What is written there fails, as it should.
    private static func fillStandardDescriptors() {
        var number: Int32
        repeat { number = open("/dev/null", O_RDONLY | O_CLOEXEC) } while (STDIN_FILENO...STDERR_FILENO).contains(number)
        close(number)
    }

    private static func run(_ arguments: [String]) -> ExitStatus {
        var output = Output(json: false)
        do {
            var command = try parseAsRoot(arguments)
            if let command = command as? any ControlCommand {
                output = Output(json: command.options.json)
                try refuseRepairedText(exceptIn: (command as? any HandOverCommand)?.paths ?? [])
                try command.run(output)
            } else {
                try command.run()
            }
            try output.flush()
            return .done
        } catch {
            return output.explain(error)
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
    @Option(
        help: ArgumentHelp(
            """
            The daemon's socket; else $ARTIFACTD_SOCKET, else /run/artifactd/artifactd.sock, else artifactd/artifactd.sock below \
            $XDG_RUNTIME_DIR.
            """, valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            """
            The team or customer that jobs are counted for, and that experiments belong to. Leave it out unless the daemon's \
            configuration (peers:) lets your user act for several.
            """, valueName: "name"))
    var tenant: String?

    @Flag(help: "Write JSON instead of text; lists as one document a line.")
    var json = false

    func validate() throws {
        if socket == "" { throw ValidationError("--socket is empty; name the daemon's socket, or leave the option out") }
        if let path = socket ?? System.environment()["ARTIFACTD_SOCKET"], path.utf8.count > Client.maximumSocketPath {
            let length = "\(path.utf8.count) bytes long, and a socket's path has at most \(Client.maximumSocketPath)"
            throw ValidationError("\(socket == nil ? "$ARTIFACTD_SOCKET" : "--socket") is \(length); name a shorter one")
        }
        if let tenant, !Self.isTenant(tenant) {
            throw ValidationError(
                "--tenant '\(tenant.escapedForLog)' is no tenant; write 1 to 128 of A-Z, a-z, 0-9, '-', '_', '.'")
        }
    }

    /// The rule is HELLO's (section 6 of the protocol's specification).
    private static func isTenant(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Connects to the daemon.
    /// - Parameter timeout: how long the daemon may be silent while it is asked for something.
    func connect(timeout: Duration = Client.defaultTimeout) throws(ClientError) -> Client {
        try Client.connect(
            socket: socket, environment: System.environment(), clientName: "artifactctl/\(artifactdVersion)", tenant: tenant,
            timeout: timeout)
    }
}
