import ArgumentParser

/// `artifactctl artifacts`
struct ArtifactsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifacts", abstract: "Lists, hands over, reads and removes the artifacts of a run.",
        discussion: "'artifactctl artifacts RUN' lists them.",
        subcommands: [
            ListArtifactsCommand.self, PutArtifactsCommand.self, GetArtifactCommand.self, RemoveArtifactsCommand.self,
        ], defaultSubcommand: ListArtifactsCommand.self)

    @OptionGroup var options: GlobalOptions
}
