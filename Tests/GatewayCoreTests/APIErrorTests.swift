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
        let isMendedElsewhere = [.storeDenied, .noSuchBucket, .storeNotTrusted].contains(code)
        #expect((error.code == .unavailable) == (code.isTransient || isMendedElsewhere))
    }

    /// The ones that callers tell apart.
    @Test func importantCodes() {
        let expected: [(ArtifactError.Code, APIError.Code)] = [
            (.invalidKey, .validationFailed), (.notFound, .notFound), (.tenantMismatch, .tenantMismatch), (.denied, .forbidden),
            (.conflict, .conflict), (.idempotencyConflict, .conflict), (.tooLarge, .tooLarge), (.busy, .unavailable),
            (.internalFault, .internalError), (.storeRejected, .conflict),
        ]
        for (code, platform) in expected { #expect(APIError(ArtifactError(code, "m")).code == platform) }
        #expect(APIError(ClientError.noDaemon(socket: "/s", cause: "c")).code == .unavailable)
        #expect(APIError(ClientError.connectionLost(socket: "/s", cause: "c")).message.contains("/s") == false)
    }

    /// Of an artifact that the store refuses for good one learns under which name, and by which job.
    @Test func unstored() throws {
        let job = JobID(high: 1, low: 2)
        let error = APIError(unstored: ArtifactError(.storeRejected, "400 InvalidArgument"), uri: "s3://b/k", job: job)
        #expect(error.code == .conflict && error.retryAfter == nil)
        #expect(error.message == "the store refuses the artifact as 's3://b/k': 400 InvalidArgument")
        #expect(error.details.last == JSON.Member(name: "job_id", value: .string(job.description)))
    }

    /// The client's own id is kept where it can be shown.
    @Test func requestIDs() {
        #expect(RequestID.choose("abc-1") == "abc-1")
        for bad in [nil, "", "a b", "ä", String(repeating: "a", count: 129), "a\u{7F}"] {
            #expect(JobID(RequestID.choose(bad)) != nil)
        }
    }
}
