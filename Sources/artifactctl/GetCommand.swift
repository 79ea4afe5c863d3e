import ArgumentParser

/// `artifactctl get`
struct GetCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Reads an object, decoded, to a file or to standard output.",
        discussion: """
            The file appears, or is replaced, when all bytes are there; until then, and when anything fails, it is left alone. Where \
            it is a symbolic link, what it links to is replaced.
            """)

    @Argument(help: ArgumentHelp("The object; without a scheme, below the daemon's store.", valueName: "uri"))
    var uri: String

    @OptionGroup var download: DownloadOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws { try download.check(beside: options) }

    func run(_ output: Output) throws {
        let client = try options.connect()
        try download.fetch(try client.uri(of: uri), client, output)
    }
}
