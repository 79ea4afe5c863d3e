import ArgumentParser

/// `artifactctl experiments`
struct ExperimentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiments", abstract: "Lists, makes and changes experiments.",
        discussion: """
            An experiment is called by its id or by its name. The daemon lists those of your tenant that it has seen; what \
            other nodes have made it finds by id or name.
            """,
        subcommands: [
            ListExperimentsCommand.self, CreateExperimentCommand.self, GetExperimentCommand.self, UpdateExperimentCommand.self,
            ArchiveExperimentCommand.self, RestoreExperimentCommand.self,
        ])

    @OptionGroup var options: GlobalOptions
}
