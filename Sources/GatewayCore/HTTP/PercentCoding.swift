/// Percent-encoding in paths and queries (RFC 3986, section 2.1).
enum PercentCoding {
    /// The text that is meant; nil where an escape is none, or the bytes are not UTF-8.
    /// - Parameter plusIsSpace: as forms write queries.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A path as it stands in a URL: its slashes stay.
    static func encodePath(_ path: String) -> String { encode(path, besides: UInt8(ascii: "/")) }

    /// A URI, whose text is not encoded, for a header: what a header cannot carry, and the per cent sign, are.
    static func uri(_ uri: String) -> String {
        let bytes = uri.utf8.map { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "%") ? [$0] : escape($0) }
        return String(decoding: bytes.joined(), as: UTF8.self)
    }

    /// Text as it stands in a header's extended parameter (RFC 8187) or between a URL's delimiters.
    static func encode(_ text: String, besides extra: UInt8? = nil) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            case _ where byte == extra: bytes.append(byte)
            default: bytes += escape(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
