/// The ways in which senders percent-encode names.
enum PercentDecoding {
    /// A name or file name as forms carry it.
    ///
    /// Decoded are the three escapes that browsers and curl write for what cannot stand between quotes (`%22`, `%0D`, `%0A`), and
    /// those of non-ASCII text in UTF-8 (RFC 7578, section 4.2). Every other `%` stands for itself, since hardly any sender encodes
    /// it: `100%25` is a file's own name, and `%2F` makes no directory.
    static func formText(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            let run = escapes(at: rest) { $0 >= 0x80 }
            if !run.isEmpty, String(validating: run, as: UTF8.self) != nil {
                result += run
                rest = rest.dropFirst(3 * run.count)
            } else if let escaped = escape(at: rest), [0x22, 0x0D, 0x0A].contains(escaped) {
                result.append(escaped)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The value of a parameter whose name ends in an asterisk: `UTF-8'en'na%C3%AFve` (RFC 8187, section 3.2).
    static func extendedValue(_ text: String) -> String? {
        let fields = text.utf8.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, let charset = String(fields[0])?.lowercased() else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(fields[2])[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "%") {
                guard let escaped = escape(at: rest) else { return nil }
                bytes.append(escaped)
                rest = rest.dropFirst(3)
            } else {
                guard byte.isTokenCharacter, byte != UInt8(ascii: "*") else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        switch charset {
        case "utf-8": return String(validating: bytes, as: UTF8.self)
        case "iso-8859-1":
            var text = ""
            text.unicodeScalars.append(contentsOf: bytes.map { Unicode.Scalar($0) })
            return text
        default: return nil
        }
    }

    /// The bytes that a row of escapes at the beginning stands for.
    private static func escapes(at text: ArraySlice<UInt8>, where isWanted: (UInt8) -> Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = escape(at: text.dropFirst(3 * bytes.count)), isWanted(byte) { bytes.append(byte) }
        return bytes
    }

    /// The byte that an escape at the beginning stands for; nil where there is none.
    private static func escape(at text: ArraySlice<UInt8>) -> UInt8? {
        let escape = Array(text.prefix(3))
        guard escape.count == 3, escape[0] == UInt8(ascii: "%"), let high = escape[1].hexDigit, let low = escape[2].hexDigit
        else {
            return nil
        }
        return high << 4 | low
    }
}

extension UInt8 {
    fileprivate var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
