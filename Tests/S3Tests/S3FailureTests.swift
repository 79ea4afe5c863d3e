import ArtifactModel
import Testing

@testable import S3

@Suite struct S3FailureTests {
    static let meanings: [(Int, String, String, ArtifactError.Code)] = [
        (503, "SlowDown", "", .storeThrottled), (429, "", "", .storeThrottled),
        (400, "RequestLimitExceeded", "", .storeThrottled),
        (503, "", "", .storeUnavailable), (500, "InternalError", "", .storeUnavailable), (502, "", "", .storeUnavailable),
        (504, "", "", .storeUnavailable), (400, "RequestTimeout", "", .storeUnavailable), (408, "", "", .storeUnavailable),
        (409, "OperationAborted", "", .storeUnavailable), (501, "NotImplemented", "", .storeRejected),
        (404, "NoSuchBucket", "", .noSuchBucket), (404, "NoSuchUpload", "", .noSuchUpload), (404, "NoSuchKey", "", .notFound),
        (404, "", "", .notFound), (412, "PreconditionFailed", "", .preconditionFailed), (400, "BadDigest", "", .checksumMismatch),
        (400, "InvalidDigest", "", .checksumMismatch), (400, "XAmzContentSHA256Mismatch", "", .checksumMismatch),
        (400, "InvalidRequest", "Value for x-amz-checksum-crc32c header is invalid.", .checksumMismatch),
        (400, "InvalidRequest", "Missing required header", .storeRejected), (400, "InvalidPart", "", .checksumMismatch),
        (403, "AccessDenied", "", .storeDenied), (403, "SignatureDoesNotMatch", "", .storeDenied), (403, "", "", .storeDenied),
        (400, "ExpiredToken", "", .storeDenied), (403, "InvalidAccessKeyId", "", .storeDenied), (401, "", "", .storeDenied),
        (403, "RequestTimeTooSkewed", "", .storeDenied), (400, "EntityTooLarge", "", .storeRejected),
        (301, "PermanentRedirect", "", .storeRejected), (307, "", "", .storeRejected),
    ]

    /// Each refusal of S3's has one meaning.
    @Test(arguments: meanings)
    func refusalsHaveAMeaning(_ status: Int, _ code: String, _ message: String, _ meaning: ArtifactError.Code) {
        #expect(S3Failure(status: status, code: code, message: message).errorCode(concernsUpload: false) == meaning)
    }

    /// Where a request names an upload, a missing key is a missing upload.
    @Test func aMissingKeyOfAnUploadIsTheUpload() {
        #expect(S3Failure(status: 404, code: "NoSuchKey").errorCode(concernsUpload: true) == .noSuchUpload)
    }

    /// The error names the operation, the object, the endpoint, S3's own code and the request id; no other part of the document.
    @Test func theErrorNamesWhatItIsAbout() throws {
        let body = """
            <?xml version="1.0" encoding="UTF-8"?>
            <Error><Code>SignatureDoesNotMatch</Code><Message>It does\u{A}not.</Message><StringToSign>leak</StringToSign>
            <Token-0>leak</Token-0><RequestId>R1</RequestId></Error>
            """
        let failure = S3Failure(HTTPResponse(status: 403, headers: [:], body: Array(body.utf8)), now: 0)
        let error = failure.error(
            for: .head(key: "k"), subject: "s3://b/k", endpoint: try EndpointURL("https://s3.example/", origin: "test"))
        #expect(error.message.contains("HeadObject of s3://b/k at https://s3.example was refused"))
        #expect(error.cause == #"HTTP 403 SignatureDoesNotMatch: It does\nnot., request id R1"#)
        #expect(!error.description.contains("leak"))
    }

    /// The other region is named, from the header or the document.
    @Test func aRedirectNamesTheRegion() throws {
        let response = HTTPResponse(status: 301, headers: ["x-amz-bucket-region": "eu-west-1"], body: [])
        let error = S3Failure(response, now: 0).error(
            for: .head(key: "k"), subject: "s3://b/k", endpoint: EndpointURL(awsRegion: "us-east-1"))
        #expect(error.code == .storeRejected)
        #expect(error.message.contains("eu-west-1; set AWS_REGION"))
    }

    /// Retry-After is understood in seconds and as a date, and bounded.
    @Test func retryAfter() {
        func milliseconds(_ value: String) -> UInt64? {
            S3Failure(HTTPResponse(status: 503, headers: ["retry-after": value]), now: 784_111_777).retryAfterMilliseconds
        }
        #expect(milliseconds("7") == 7000)
        #expect(milliseconds("Sun, 06 Nov 1994 08:49:47 GMT") == 10_000)
        #expect(milliseconds("-5") == 0)
        #expect(milliseconds("999999999999") == 86_400_000)
        #expect(milliseconds("soon") == nil)
    }
}
