/// Why bytes are no form. Each case is the sender's fault, and ends the parsing.
public enum FormError: Error, Sendable, Equatable {
    /// The request's content type is not `multipart/form-data`, or cannot be read.
    case notAForm
    /// The content type names no boundary, or one that RFC 2046 does not allow.
    case invalidBoundary
    /// Behind a boundary stands something else than a line's end or the two hyphens of the last one.
    case malformedBoundaryLine
    /// The form ended before its last boundary.
    case incomplete
    /// More parts than allowed.
    case tooManyParts(limit: Int)
    /// A part's header is longer than allowed, in bytes.
    case headerTooLong(limit: Int)
    /// A part's header is not UTF-8, or a line of it is no field.
    case malformedHeader
    /// A part has no `Content-Disposition`, or two of them.
    case missingDisposition
    /// A part's `Content-Disposition` cannot be read, is not `form-data`, or has no name.
    case malformedDisposition
    /// A part's `filename*` is not as RFC 8187 writes it, or not in UTF-8 or ISO-8859-1.
    case malformedExtendedValue
    /// A part's bytes are encoded once more; RFC 7578 allows it no longer.
    case encodedPart
}

extension FormError: CustomStringConvertible {
    /// One sentence for a person, with the way out.
    public var description: String {
        switch self {
        case .notAForm: "the content type is not multipart/form-data"
        case .invalidBoundary: "the content type names no boundary of 1 to 70 of the characters that RFC 2046 allows"
        case .malformedBoundaryLine: "a boundary is followed by something else than the end of its line"
        case .incomplete: "the form ends before its last boundary"
        case .tooManyParts(let limit): "the form has more than \(limit) parts"
        case .headerTooLong(let limit): "the header of a part is longer than \(limit) bytes"
        case .malformedHeader: "the header of a part is not made of lines 'Name: value' in UTF-8"
        case .missingDisposition: "a part needs exactly one Content-Disposition"
        case .malformedDisposition: "a Content-Disposition is not 'form-data; name=\"…\"' with at most one filename"
        case .malformedExtendedValue: "a filename* is not UTF-8'' and percent-encoded text (RFC 8187)"
        case .encodedPart: "a part has a Content-Transfer-Encoding; send its bytes as they are"
        }
    }
}
