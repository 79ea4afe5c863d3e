import HTTPTypes
import Hummingbird
import LinuxSystem
import ArtifactModel
import Logfmt
import NIOCore

/// Answers in JSON.
enum Reply {
    static func json(_ document: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        text(document.text, type: "application/json", status: status, headers: headers)
    }

    static func text(
        _ text: String, type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        headers[.cacheControl] = headers[.cacheControl] ?? "no-store"
        headers[.contentTypeOptions] = "nosniff"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A refusal in the platform's shape.
    static func error(_ error: APIError, requestID: String) -> Response {
        var headers = error.headers
        if let seconds = error.retryAfter { headers[.retryAfter] = "\(max(1, seconds))" }
        return json(document(of: error, requestID: requestID), status: error.code.status, headers: headers)
    }

    /// What a refusal says.
    static func document(of error: APIError, requestID: String) -> JSON {
        [
            "success": false,
            "error": [
                "code": .string(error.code.rawValue), "category": .string(error.code.category),
                "message": .string(error.message),
                "details": .object(error.details),
            ],
            "metadata": [
                "timestamp": .string(Timestamp.iso8601(milliseconds: System.wallMilliseconds())),
                "requestId": .string(requestID),
                "version": .string(artifactdVersion),
            ],
        ]
    }
}
