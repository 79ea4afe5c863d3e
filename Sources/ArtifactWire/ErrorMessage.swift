public import ArtifactModel

/// A refusal: of one request, or, under request id 0, of the whole connection, which ends then.
public struct ErrorMessage: FramePayload {
    static let type = MessageType.error

    /// The longest message and the longest cause, in bytes of UTF-8.
    ///
    /// An error quotes what it refuses, which may be a megabyte of somebody's text; a refusal must fit into a frame all the same.
    public static let maximumText = 4096

    /// The error, its texts cut to `maximumText`.
    public let error: ArtifactError

    /// A refusal for this reason. Texts beyond `maximumText` are cut, which an ellipsis shows.
    public init(_ error: ArtifactError) {
        self.error = ArtifactError(
            error.code, error.message.cut(toBytes: Self.maximumText), cause: error.cause?.cut(toBytes: Self.maximumText),
            retryAfterMilliseconds: error.retryAfterMilliseconds)
    }

    private enum Tags {
        static let code = Tag(critical: 1)
        static let message = Tag(2)
        static let cause = Tag(3)
        static let retryAfter = Tag(4)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.code, UInt64(error.code.rawValue))
        fields.write(Tags.message, error.message)
        if let cause = error.cause { fields.write(Tags.cause, cause) }
        if let delay = error.retryAfterMilliseconds { fields.write(Tags.retryAfter, delay) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        let number = try fields.required(fields.integer(Tags.code, as: UInt16.self), "code")
        let message = try fields.string(Tags.message) ?? ""
        let code = ArtifactError.Code(rawValue: number)
        self.init(
            ArtifactError(
                code ?? .internalFault, code == nil ? "error \(number): \(message)" : message,
                cause: try fields.string(Tags.cause), retryAfterMilliseconds: try fields.integer(Tags.retryAfter)))
    }
}

extension String {
    /// The text itself where it has at most `limit` bytes of UTF-8, else what fits of it with an ellipsis at its end.
    fileprivate func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = String.UnicodeScalarView()
        var room = limit - "…".utf8.count
        for scalar in unicodeScalars {
            room -= UTF8.width(scalar)
            guard room >= 0 else { break }
            text.append(scalar)
        }
        return String(text) + "…"
    }
}
