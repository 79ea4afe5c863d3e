import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1

/// Refuses what is no request, before there is one that a route could answer: so that it is said and counted as other refusals are.
struct Unreadable: Sendable {
    let metrics: GatewayMetrics
    let log: Logger

    /// The answer to bytes that could not be read as a request.
    func refuse(_ error: any Error) -> (head: HTTPResponse, body: ByteBuffer) {
        let refusal = APIError(unreadable: error)
        let requestID = RequestID.choose(nil)
        metrics.answered(
            route: "none", method: "other", status: Int(refusal.code.status.code), seconds: 0, error: refusal.code.rawValue)
        log.info(
            "no request", metadata: ["error": "\(refusal)", "cause": "\(error)", "request_id": "\(requestID)"])
        let body = ByteBuffer(string: Reply.document(of: refusal, requestID: requestID).text)
        let head = HTTPResponse(
            status: refusal.code.status,
            headerFields: [
                .contentType: "application/json", .contentLength: "\(body.readableBytes)", .cacheControl: "no-store",
                .contentTypeOptions: "nosniff", .requestID: requestID,
            ])
        return (head, body)
    }
}

extension APIError {
    /// What is wrong with bytes that the parser of HTTP does not take.
    init(unreadable error: any Error) {
        if case HTTPParserError.headerOverflow = error {
            self.init(.headerTooLarge, "the header is larger than allowed; an administrator can change 'max_header'")
        } else {
            self.init(.validationFailed, "this is no request of HTTP/1.1; TLS is spoken by the proxy in front, if there is one")
        }
    }
}
