import ArgumentParser
import ArtifactWire

/// `artifactctl experiments update`
struct UpdateExperimentCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes an experiment's description and tags.",
        discussion: "What is not named stays as it is.")

    @Argument(help: "Its id or its name.")
    var experiment: String

    @Option(parsing: .unconditional, help: ArgumentHelp("What it is about.", valueName: "text"))
    var description: String?

    @OptionGroup var tags: TagOptions

    @Option(
        name: .customLong("remove-tag"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A tag to remove, if it is there; can be given several times.", valueName: "key"))
    var removedTags: [String] = []

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if description == nil, tags.tags.isEmpty, removedTags.isEmpty {
            throw ValidationError("nothing is to change: give --description, --tag or --remove-tag")
        }
        if let key = removedTags.first(where: { tags.values[$0] != nil }) {
            throw ValidationError("the tag '\(key)' cannot be both set and removed")
        }
    }

    func run(_ output: Output) throws {
        var changes: [String: String?] = tags.values
        for key in removedTags { changes.updateValue(nil, forKey: key) }
        let client = try options.connect()
        let id = try client.experiment(called: experiment).id
        try output.experiment(
            try client.updateExperiment(UpdateExperiment(id: id, description: description, tags: changes)))
    }
}
