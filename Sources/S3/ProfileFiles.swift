import ArtifactModel

/// The two files that the AWS tools share: `config`, whose sections are named `[profile x]`, and `credentials`, with `[x]`.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
struct ProfileFiles: Sendable {
    /// The path of the configuration file; nil when there is none to look at.
    let config: String?
    /// The path of the credentials file; nil when there is none to look at.
    let credentials: String?

    /// The paths, for messages.
    var names: String {
        let paths = [credentials, config].compactMap { $0?.escapedForLog }
        return paths.isEmpty ? "no file (HOME is not set)" : paths.joined(separator: " and ")
    }

    /// What the files say now. A file that is not there says nothing.
    /// - Throws: `invalidRequest` when one is there but cannot be read or understood.
    func read() throws(ArtifactError) -> Contents {
        func parsed(_ path: String?) throws(ArtifactError) -> ProfileFile? {
            guard let path, let text = try smallFile(path: path) else { return nil }
            return try ProfileFile(text: text, path: path)
        }
        return Contents(config: try parsed(config), credentials: try parsed(credentials))
    }

    /// What both files say.
    struct Contents {
        let config: ProfileFile?
        let credentials: ProfileFile?

        /// The values of a profile, those of the credentials file first; nil when neither file has it.
        func profile(_ name: String) -> [String: String]? {
            var configured = config?.sections["profile \(name)"]
            // Only the default profile may go without the word.
            if name == "default" { configured = configured ?? config?.sections[name] }
            guard let secret = credentials?.sections[name] else { return configured }
            return (configured ?? [:]).merging(secret) { $1 }
        }

        /// The values of a `[services x]` section; a nested value's name is `service.name`.
        func services(_ name: String) -> [String: String]? { config?.sections["services \(name)"] }
    }
}
