extension String {
    /// The text with every byte of its UTF-8 form but RFC 3986's unreserved characters written as `%XX`: `UriEncode()` of
    /// Signature Version 4.
    func percentEncoded(keepingSlashes: Bool = false) -> String {
        percentEncoded { byte in
            switch UnicodeScalar(byte) {
            case "A"..."Z", "a"..."z", "0"..."9", "-", ".", "_", "~": true
            case "/": keepingSlashes
            default: false
            }
        }
    }

    /// The text as a header's value can carry it: everything but printable ASCII, and the space and `%`, written as `%XX`.
    ///
    /// The space goes too, because a signature sees runs of spaces as one and the ends of a value as trimmed.
    var headerEncoded: String {
        percentEncoded { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "%") }
    }

    private func percentEncoded(keeping isKept: (UInt8) -> Bool) -> String {
        if utf8.allSatisfy(isKept) { return self }
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(utf8.count * 2)
        for byte in utf8 {
            if isKept(byte) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The text with each `%XX` turned back; nil when one is incomplete or the result is not UTF-8.
    /// - Parameter plusIsSpace: `+` stands for a space, as in S3's `encoding-type=url`.
    func percentDecoded(plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.hexadecimalValue),
                    let low = rest.popFirst().flatMap(Self.hexadecimalValue)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimalValue(_ digit: UInt8) -> UInt8? {
        Character(UnicodeScalar(digit)).hexDigitValue.map(UInt8.init)
    }
}
