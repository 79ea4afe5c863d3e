/// An object's key relative to its store, checked: what cannot be a key on every store is refused at intake.
///
/// Spaces, a literal `%2e` and non-ASCII are kept as they are; nothing is decoded and nothing is normalised.
public struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    /// The key's text, without a slash at either end.
    public let text: String

    /// The longest key that S3 takes, in bytes of UTF-8, the store's prefix included.
    public static let maximumBytes = 1024

    /// A key from its text.
    /// - Parameter prefix: the store's prefix, which counts towards the length.
    /// - Throws: `ArtifactError` with `invalidKey` that names the key, what is wrong with it, and the way out.
    public init(_ text: String, belowPrefix prefix: String = "") throws(ArtifactError) {
        try Self.check(text, belowPrefix: prefix)
        self.text = text
    }

    public var description: String { text }

    /// Whether the bytes are the same: S3 keeps two spellings of one accented letter apart, and `String` does not.
    public static func == (left: ObjectKey, right: ObjectKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }

    /// The components between the slashes.
    public var components: [Substring] { text.split(separator: "/", omittingEmptySubsequences: false) }

    static func check(_ key: String, belowPrefix prefix: String = "") throws(ArtifactError) {
        func refused(_ why: String) -> ArtifactError {
            ArtifactError(.invalidKey, "'\(key.escapedForLog)' cannot be an object key: \(why)")
        }
        if key.isEmpty { throw refused("it is empty; name an object below the store") }
        let length = key.utf8.count + (prefix.isEmpty ? 0 : prefix.utf8.count + 1)
        if length > maximumBytes {
            throw refused("it is \(length) bytes long with the store's prefix, and S3 takes \(maximumBytes); shorten the path")
        }
        for scalar in key.unicodeScalars where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
            throw refused(
                "it contains the control character U+\(hexadecimal([UInt8(scalar.value)]).uppercased()); rename the file")
        }
        try checkComponents(key, of: key)
    }

    private static func checkComponents(_ path: String, of whole: String) throws(ArtifactError) {
        for component in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard component.count <= 2, component.allSatisfy({ $0 == UInt8(ascii: ".") }) else { continue }
            let what =
                component.isEmpty
                ? "an empty component (a double slash, or one at an end)" : "the component '\(Substring(component))'"
            throw ArtifactError(
                .invalidKey, "'\(whole.escapedForLog)' cannot be an object key: it has \(what); write the plain path")
        }
    }
}
