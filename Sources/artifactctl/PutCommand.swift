import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem

/// `artifactctl put`
struct PutCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Hands files over to the daemon, which stores them.",
        discussion: """
            Writes a line a file: the job's id, its state and what is promised of it (see --ack), and the object's URI. A file that \
            cannot be handed over is named, the rest goes on, and the status is 1.

            With --recursive a directory's content goes below the prefix; links to files are followed, links to directories \
            skipped. A link that is named here itself is followed.
            """)

    @Argument(help: ArgumentHelp("The files, and with --recursive directories.", valueName: "path"))
    var paths: [String]

    @Flag(name: .shortAndLong, help: "Hand over what is in directories.")
    var recursive = false

    @Option(
        name: .customLong("to"),
        help: ArgumentHelp(
            "Where to: a prefix if it ends in '/', else the key of the one file. Without a scheme, below the daemon's store.",
            valueName: "uri"))
    var destination: String

    @Option(
        help: "How the object is to be compressed. Unless given: auto in S3, none in a directory, or as the daemon is configured."
    )
    var compression: Compression?

    @Option(
        name: .customLong("ack"),
        help: ArgumentHelp(
            "What to wait for: accepted unless given. A wait that is interrupted loses nothing: the jobs go on.",
            valueName: "level"))
    var acknowledgement: AcknowledgementLevel?

    @Option(
        name: .customLong("on-change"),
        help: ArgumentHelp(
            "What to do when a file changes before it is stored. Unless given: fail, or as the daemon is configured.",
            valueName: "what"))
    var changePolicy: ChangePolicy?

    @Option(
        help: ArgumentHelp("Makes the same hand-over, when repeated, the same job. For one file alone.", valueName: "key"))
    var idempotencyKey: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long to go on trying while the daemon takes nothing because a bound is reached; then the status is 75.",
            valueName: "seconds"))
    var busyTimeout: Double = 0

    @OptionGroup var options: GlobalOptions

    var level: AcknowledgementLevel { acknowledgement ?? .accepted }

    func validate() throws {
        if destination.isEmpty { throw ValidationError("--to is empty; name a key, or a prefix that ends in '/'") }
        if !destination.hasSuffix("/"), paths.count > 1 {
            throw ValidationError("several files go below a prefix: write --to '\(destination)/'")
        }
        if let idempotencyKey {
            if paths.count > 1 { throw ValidationError("--idempotency-key names one hand-over, but several files are given") }
            guard (1...Put.maximumIdempotencyKey).contains(idempotencyKey.utf8.count) else {
                throw ValidationError("--idempotency-key takes 1 to \(Put.maximumIdempotencyKey) bytes")
            }
        }
        if !(0...1e9).contains(busyTimeout) {
            throw ValidationError("--busy-timeout must be from 0 to 1000000000 seconds")
        }
    }

    func run(_ output: Output) throws {
        if recursive { try refuseDirectoriesThatDoNotFit() }
        let client = try options.connect()
        let walk = SourceWalk(
            paths: paths, recursive: recursive, destination: destination, notUTF8: RawArguments.repaired)
        let template = Put(
            destination: "", source: .descriptor, compression: compression, level: level == .stored ? .accepted : level,
            idempotencyKey: idempotencyKey.map { Array($0.utf8) }, changePolicy: changePolicy)
        let run = try PutRun(
            client, output, walk: walk, template: template, busyTimeout: .milliseconds(Int64(busyTimeout * 1000)),
            awaitsStored: level == .stored)
        let status = try run.run()
        if status != .done { throw status }
    }

    /// What only the file system tells about the command line.
    private func refuseDirectoriesThatDoNotFit() throws {
        if destination.hasSuffix("/"), idempotencyKey == nil { return }
        for path in paths {
            do throws(SystemError) {
                guard try System.status(of: path, followLink: true).isDirectory else { continue }
            } catch {
                // Said in its turn, when the file is opened.
                continue
            }
            guard destination.hasSuffix("/") else {
                throw ValidationError("a directory goes below a prefix: write --to '\(destination)/'")
            }
            throw ValidationError("--idempotency-key names one hand-over, but '\(path)' is a directory")
        }
    }
}
