public import ArtifactModel

/// A refusal: of one request, or, under request id 0, of the whole connection, which ends then.
public struct ErrorMessage: FramePayload {
    static let type = MessageType.error

    public var error: ArtifactError

    public init(_ error: ArtifactError) { self.error = error }

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
        error = ArtifactError(
            code ?? .internalFault, code == nil ? "error \(number): \(message)" : message, cause: try fields.string(Tags.cause),
            retryAfterMilliseconds: try fields.integer(Tags.retryAfter))
    }
}
