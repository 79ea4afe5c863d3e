import ArtifactModel
import Synchronization

/// The tokens in force.
final class TokenStore: Sendable {
    private let path: String
    private let file: Mutex<TokenFile>

    /// - Throws: `invalidRequest` when the file cannot be read, or a line is wrong.
    init(path: String) throws(ArtifactError) {
        self.path = path
        file = Mutex(try Self.read(path))
    }

    /// How many tokens there are.
    var count: Int { file.withLock { $0.entries.count } }

    /// Reads the file again; what was in force stays where it cannot be read.
    func reload() throws(ArtifactError) {
        let new = try Self.read(path)
        file.withLock { $0 = new }
    }

    /// Who holds a token; nil for nobody. Takes as long for a token that is almost right as for any other.
    func caller(of token: String) throws(ArtifactError) -> Caller? {
        let digest = try SHA256.digest(Array(token.utf8))
        return file.withLock { file in
            var found: Caller?
            for entry in file.entries where SHA256.equal(entry.digest, digest) { found = entry.caller }
            return found
        }
    }

    private static func read(_ path: String) throws(ArtifactError) -> TokenFile {
        try TokenFile(text: try SmallFile.text(path, name: "file of tokens"), name: path)
    }
}
