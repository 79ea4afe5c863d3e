import ArtifactClient
import ArtifactModel

extension String {
    /// The text as it stands, so that it can be given to the next command, but for control characters: no key has them, and a
    /// terminal would obey them.
    var shown: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0: text += String(scalar).escapedForLog
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Client {
    /// The full URI of an object that the command line names.
    func uri(of object: String) throws(ArtifactError) -> String {
        object.isURI ? object : try StoreLocation(url: welcome.store).uri(ofKey: object)
    }
}
