import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

extension Request {
    /// The largest JSON document that is read, in bytes: a hundred tags of the largest fit.
    private static let maximumDocument = 1 << 20

    /// Tells a client that waits for it to go on with its body (RFC 9110, section 10.1.1).
    func sendContinue(over channel: any Channel) async throws {
        guard headers[.expect]?.lowercased() == "100-continue" else { return }
        try await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue))).get()
    }

    /// The whole body, which is a JSON document.
    /// - Parameter isOptional: whether it may be missing.
    func document(over channel: any Channel, isOptional: Bool) async throws -> ByteBuffer {
        if let type = headers[.contentType] {
            let type = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
            guard type == "application/json" else { throw APIError(.validationFailed, "send the body as application/json") }
        }
        try await sendContinue(over: channel)
        let document: ByteBuffer
        do {
            document = try await body.collect(upTo: Self.maximumDocument)
        } catch is NIOTooManyBytesError {
            throw APIError(.tooLarge, "a document has at most \(Self.maximumDocument) bytes")
        }
        guard isOptional || document.readableBytes > 0 else {
            throw APIError(.validationFailed, "the request needs a body: a JSON object")
        }
        return document
    }
}
