import ArtifactModel

/// Where a key's object and its headers lie below the root of a directory store.
struct ObjectPlace {
    let key: ObjectKey
    /// The names of the directories above the object.
    let directory: [String]
    /// The object's own name.
    let name: String

    /// The directory beside the objects that holds what else the store keeps.
    static let reserved = ".artifactd"
    /// The greatest length of one name, in bytes (`NAME_MAX` of Linux's file systems).
    private static let maximumNameBytes = 255
    private static let headersSuffix = ".json"

    var headersDirectory: [String] { [Self.reserved, "meta"] + directory }
    var headersName: String { name + Self.headersSuffix }
    /// Where the headers lie below the root, for messages.
    var headersPath: String { (headersDirectory + [headersName]).joined(separator: "/") }

    /// The place of a key.
    /// - Throws: `invalidKey` when a file system cannot have such a name.
    init(_ key: ObjectKey) throws(ArtifactError) {
        var names = key.components.map(String.init)
        if names.first == Self.reserved {
            throw ArtifactError(
                .invalidKey, "'\(key.text.escapedForLog)': '\(Self.reserved)' is the directory store's own; choose another name")
        }
        for (index, name) in names.enumerated() {
            let suffix = index == names.count - 1 ? Self.headersSuffix : ""
            let limit = Self.maximumNameBytes - suffix.utf8.count
            guard name.utf8.count <= limit else {
                throw ArtifactError(
                    .invalidKey,
                    "'\(key.text.escapedForLog)': '\(name.escapedForLog)' is \(name.utf8.count) bytes long, and the directory store "
                        + "takes \(limit)\(suffix.isEmpty ? "" : " for a key's last name"); shorten it")
            }
        }
        self.key = key
        name = names.removeLast()
        directory = names
    }
}
