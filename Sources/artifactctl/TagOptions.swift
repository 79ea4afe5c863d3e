import ArgumentParser

/// The tags that an experiment or a run is to have.
struct TagOptions: ParsableArguments {
    /// One tag, as it is written.
    struct Tag: ExpressibleByArgument {
        var key: String
        var value: String

        init?(argument: String) {
            guard let sign = argument.utf8.firstIndex(of: UInt8(ascii: "=")), sign != argument.startIndex else { return nil }
            key = String(argument[..<sign])
            value = String(argument[sign...].utf8.dropFirst()) ?? ""
        }
    }

    @Option(
        name: .customLong("tag"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A tag; can be given several times.", valueName: "key=value"))
    var tags: [Tag] = []

    /// The values by their keys.
    var values: [String: String] { Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first } }

    func validate() throws {
        var keys: Set<String> = []
        for tag in tags where !keys.insert(tag.key).inserted {
            throw ValidationError("the tag '\(tag.key)' is given twice; give it one value")
        }
    }
}
