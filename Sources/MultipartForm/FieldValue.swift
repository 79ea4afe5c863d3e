/// A header field's value with parameters: `form-data; name="file"; filename=a.txt`.
struct FieldValue {
    /// What stands before the first semicolon, in lower case.
    var value: String
    /// The parameters in their order, names in lower case; values without their quotes.
    var parameters: [(name: String, value: String)] = []

    /// Nil for text that is not of this form.
    init?(_ text: ArraySlice<UInt8>) {
        var rest = text
        guard let value = Self.token(&rest, allowing: UInt8(ascii: "/")) else { return nil }
        self.value = value.lowercased()
        while true {
            Self.skipSpace(&rest)
            guard let separator = rest.popFirst() else { return }
            guard separator == UInt8(ascii: ";") else { return nil }
            Self.skipSpace(&rest)
            // A semicolon at the end is common, and harmless.
            if rest.isEmpty { return }
            guard let name = Self.token(&rest) else { return nil }
            Self.skipSpace(&rest)
            guard rest.popFirst() == UInt8(ascii: "=") else { return nil }
            Self.skipSpace(&rest)
            guard let value = Self.quoted(&rest) ?? Self.bare(&rest) else { return nil }
            parameters.append((name.lowercased(), value))
        }
    }

    /// The value of a parameter that stands at most once.
    /// - Returns: nil where it stands twice; a nil within where it does not stand at all.
    func parameter(_ name: String) -> String?? {
        let values = parameters.filter { $0.name == name }
        return values.count > 1 ? nil : .some(values.first?.value)
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    /// A token (RFC 9110, section 5.6.2).
    private static func token(_ rest: inout ArraySlice<UInt8>, allowing extra: UInt8? = nil) -> String? {
        let token = rest.prefix { $0.isTokenCharacter || $0 == extra }
        guard !token.isEmpty else { return nil }
        rest = rest.dropFirst(token.count)
        return String(decoding: token, as: UTF8.self)
    }

    /// A value without quotes: everything to the next separator, since senders write more than tokens there.
    private static func bare(_ rest: inout ArraySlice<UInt8>) -> String? {
        let value = rest.prefix { $0 > 0x20 && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\"") && $0 != 0x7F }
        guard !value.isEmpty else { return nil }
        rest = rest.dropFirst(value.count)
        return String(validating: value, as: UTF8.self)
    }

    /// A quoted value. A backslash stands for itself unless a quote or a backslash follows: some senders write Windows' paths.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        var value: [UInt8] = []
        var tail = rest.dropFirst()
        while let byte = tail.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                rest = tail
                return String(validating: value, as: UTF8.self)
            case UInt8(ascii: "\\") where tail.first == UInt8(ascii: "\"") || tail.first == UInt8(ascii: "\\"):
                tail.popFirst().map { value.append($0) }
            default: value.append(byte)
            }
        }
        return nil
    }
}

extension UInt8 {
    /// Whether it may stand in a token (RFC 9110, section 5.6.2).
    var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
