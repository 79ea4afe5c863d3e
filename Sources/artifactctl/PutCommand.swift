import ArgumentParser

/// `artifactctl put`
struct PutCommand: HandOverCommand {
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

    @Option(
        name: .customLong("to"),
        help: ArgumentHelp(
            "Where to: a prefix if it ends in '/', else the key of the one file. Without a scheme, below the daemon's store.",
            valueName: "uri"))
    var destination: String

    @OptionGroup var handOver: HandOverOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if destination.isEmpty { throw ValidationError("--to is empty; name a key, or a prefix that ends in '/'") }
        try checkDestination()
    }

    func run(_ output: Output) throws {
        try refuseDirectoriesThatDoNotFit()
        try handOverAll(output) { .destination($0) }
    }
}
