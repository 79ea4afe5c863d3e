import ArtifactModel
import Foundation

/// Tags as the journal keeps them: a JSON object of strings.
enum Tags {
    static func text(_ tags: [String: String]) throws(ArtifactError) -> String {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(tags), as: UTF8.self)
        } catch {
            throw ArtifactError(.internalFault, "tags could not be written down", cause: "\(error)")
        }
    }

    static func tags(_ text: String) throws(ArtifactError) -> [String: String] {
        do {
            return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        } catch {
            throw ArtifactError(.internalFault, "the journal holds tags that cannot be read", cause: "\(error)")
        }
    }
}
