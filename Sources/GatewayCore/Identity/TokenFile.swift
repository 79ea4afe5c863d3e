import ArtifactModel

/// The tokens that callers may show, as a file holds them: hashed, so that who reads the file has none.
///
/// One a line: the SHA-256 of the token in hexadecimal; the tenants it stands for, separated by commas, `*` for any or `-` for none;
/// and a name for the log. Tokens are long random texts: nothing slower than SHA-256 is needed to keep them.
struct TokenFile: Sendable {
    struct Entry: Sendable, Equatable {
        var digest: [UInt8]
        var caller: Caller
    }

    var entries: [Entry] = []

    /// - Parameter name: how the file is called in errors, which never show what could be a token.
    /// - Throws: `invalidRequest` that names the line.
    init(text: String, name: String) throws(ArtifactError) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard let first = words.first else { continue }
            func refusal(_ why: String) -> ArtifactError { ArtifactError(.invalidRequest, "\(name):\(index + 1): \(why)") }
            guard let digest = Self.digest(first) else {
                throw refusal("a line begins with the SHA-256 of a token, 64 hexadecimal digits (printf %s TOKEN | sha256sum)")
            }
            guard words.count == 2 || words.count == 3 else {
                throw refusal("behind the hash stand the tenants (NAME,NAME or * or -) and, if you like, a name for the log")
            }
            guard !entries.contains(where: { $0.digest == digest }) else { throw refusal("this token stands twice") }
            entries.append(
                Entry(
                    digest: digest,
                    caller: Caller(
                        name: words.count == 3 ? String(words[2]) : "token-\(index + 1)",
                        tenants: try Self.tenants(words[1], refusal))))
        }
    }

    private static func tenants(_ text: Substring, _ refusal: (String) -> ArtifactError) throws(ArtifactError) -> Tenants {
        if text == "*" { return .any }
        if text == "-" { return .these([]) }
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy(Tenants.isName) else { throw refusal("'\(String(text).escapedForLog)' names no tenants") }
        return .these(names)
    }

    private static func digest(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 2 * SHA256.byteCount else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard digits[start] != UInt8(ascii: "+"), digits[start] != UInt8(ascii: "-"),
                let byte = UInt8(String(decoding: digits[start..<(start + 2)], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
