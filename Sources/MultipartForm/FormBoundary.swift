/// What separates the parts of a form: named in the request's `Content-Type`.
public struct FormBoundary: Sendable, Equatable {
    /// What stands before every part but perhaps the first: a line's end, two hyphens and the boundary.
    let delimiter: [UInt8]

    /// The boundary that a `Content-Type` names.
    /// - Throws: `notAForm` or `invalidBoundary`.
    public init(contentType: String) throws(FormError) {
        guard let field = FieldValue(Array(contentType.utf8)[...]), field.value == "multipart/form-data" else { throw .notAForm }
        let boundaries = field.parameters.filter { $0.name == "boundary" }
        guard boundaries.count == 1, let boundary = boundaries.first else { throw .invalidBoundary }
        try self.init(boundary.value)
    }

    /// A boundary by itself.
    /// - Throws: `invalidBoundary` unless it has 1 to 70 of the characters of RFC 2046, section 5.1.1, and no space at its end.
    public init(_ boundary: String) throws(FormError) {
        let bytes = Array(boundary.utf8)
        guard (1...70).contains(bytes.count), bytes.last != UInt8(ascii: " "), bytes.allSatisfy(Self.isAllowed) else {
            throw .invalidBoundary
        }
        delimiter = Array("\r\n--".utf8) + bytes
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "'()+_,-./:=? ".utf8.contains(byte)
        }
    }
}
