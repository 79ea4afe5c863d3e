import ArgumentParser

/// `artifactctl runs`
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Lists, starts and ends runs, and waits until they are committed.",
        discussion: """
            A run is committed when all that this daemon was given for it is stored and the manifest that names it is written: \
            that begins when the run ends.
            """,
        subcommands: [
            ListRunsCommand.self, GetRunCommand.self, StartRunCommand.self, EndRunCommand.self, WaitRunCommand.self,
        ])

    @OptionGroup var options: GlobalOptions
}
