import ArtifactClient
import ArtifactModel
import Testing

@testable import GatewayCore

/// Errors in the platform's shape.
struct APIErrorTests {
    /// Each of the daemon's codes has its place, its own name in the details, and when to come again where that helps.
    @Test(arguments: ArtifactError.Code.allCases)
    func daemonsCodes(code: ArtifactError.Code) {
        let error = APIError(ArtifactError(code, "message", cause: "cause", retryAfterMilliseconds: 1500))
        #expect(error.message == "message" && error.details.first?.value == .string(code.description))
        #expect((error.retryAfter != nil) == (error.code == .unavailable || error.code == .rateLimited))
        if error.code == .unavailable { #expect(error.retryAfter == 2) }
        if code.isTransient { #expect(error.code == .unavailable) }
    }

    /// The ones that callers tell apart.
    @Test func importantCodes() {
        let expected: [(ArtifactError.Code, APIError.Code)] = [
            (.invalidKey, .validationFailed), (.notFound, .notFound), (.tenantMismatch, .tenantMismatch), (.denied, .forbidden),
            (.conflict, .conflict), (.idempotencyConflict, .conflict), (.tooLarge, .tooLarge), (.busy, .unavailable),
            (.internalFault, .internalError),
        ]
        for (code, platform) in expected { #expect(APIError(ArtifactError(code, "m")).code == platform) }
        #expect(APIError(ClientError.noDaemon(socket: "/s", cause: "c")).code == .unavailable)
        #expect(APIError(ClientError.connectionLost(socket: "/s", cause: "c")).message.contains("/s") == false)
    }

    /// The client's own id is kept where it can be shown.
    @Test func requestIDs() {
        #expect(RequestID.choose("abc-1") == "abc-1")
        for bad in [nil, "", "a b", "ä", String(repeating: "a", count: 129), "a\u{7F}"] {
            #expect(JobID(RequestID.choose(bad)) != nil)
        }
    }
}
