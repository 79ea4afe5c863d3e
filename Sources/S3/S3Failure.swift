import ArtifactModel

/// A refusal as S3 states it: the status, and the error document where there is one.
///
/// Source: Amazon S3 API Reference, "Error responses".
struct S3Failure: Equatable {
    var status: Int
    /// The error's name; empty when the answer bore no error document, as after HEAD.
    var code = ""
    var message = ""
    var requestID = ""
    /// The region that the bucket lies in, where the answer says so.
    var region: String?
    /// Where a redirect points to.
    var location: String?
    var retryAfterMilliseconds: UInt64?

    init(status: Int, code: String = "", message: String = "") {
        self.status = status
        self.code = code
        self.message = message
    }

    /// - Parameter now: Unix seconds, for a Retry-After that names a date.
    init(_ response: HTTPResponse, now: Int) {
        status = response.status
        let document = AnswerElement(parsing: response.body)
        if let document, document.name == "Error" {
            code = document["Code"]?.text ?? ""
            message = document["Message"]?.text ?? ""
        }
        requestID = response.headers["x-amz-request-id"] ?? document?["RequestId"]?.text ?? ""
        region = response.headers["x-amz-bucket-region"] ?? document?["Region"]?.text
        location = document?["Endpoint"]?.text ?? response.headers["location"]
        if let text = response.headers["retry-after"] {
            let seconds = Int(text) ?? AnswerTime.unixSeconds(httpDate: text).map { $0 - now }
            retryAfterMilliseconds = seconds.map { UInt64(max(0, min($0, 86_400))) * 1000 }
        }
    }

    /// Whether the store says that the clocks differ too much.
    var isSkew: Bool { code == "RequestTimeTooSkewed" }

    /// Whether other credentials could be let in.
    var concernsCredentials: Bool { errorCode(concernsUpload: false) == .storeDenied && !isSkew }

    /// Whether the store says that a digest does not fit the body.
    var concernsDigest: Bool {
        switch code {
        case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch": true
        case "InvalidRequest": message.lowercased().contains("checksum")
        default: false
        }
    }

    /// What the refusal means for the caller.
    /// - Parameter concernsUpload: whether the request named a multipart upload.
    func errorCode(concernsUpload: Bool) -> ArtifactError.Code {
        if concernsDigest { return .checksumMismatch }
        switch code {
        case "SlowDown", "SlowDownRead", "SlowDownWrite", "RequestLimitExceeded", "BandwidthLimitExceeded", "Throttling",
            "ThrottlingException", "TooManyRequests":
            return .storeThrottled
        case "NoSuchBucket": return .noSuchBucket
        case "NoSuchUpload": return .noSuchUpload
        case "NoSuchKey": return concernsUpload ? .noSuchUpload : .notFound
        // A part that the store has lost, or holds with another entity tag.
        case "InvalidPart": return .checksumMismatch
        case "RequestTimeout", "OperationAborted", "ConditionalRequestConflict": return .storeUnavailable
        case "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId", "SignatureDoesNotMatch",
            "AccessDenied", "RequestTimeTooSkewed":
            return .storeDenied
        default: break
        }
        return switch status {
        case 401, 403: .storeDenied
        case 404: .notFound
        case 408: .storeUnavailable
        case 412: .preconditionFailed
        case 429: .storeThrottled
        case 501: .storeRejected
        case 300..<500: .storeRejected
        default: .storeUnavailable
        }
    }

    /// The refusal as an error that names the request.
    /// - Parameter subject: what was asked for: the object's or the bucket's URI.
    func error(for request: S3Request, subject: String, endpoint: EndpointURL) -> ArtifactError {
        let code = errorCode(concernsUpload: request.uploadID != nil)
        let what = "\(request.operation) of \(subject.escapedForLog) at \(endpoint)"
        return ArtifactError(
            code, "\(what) \(outcome(code))", cause: cause,
            retryAfterMilliseconds: code == .storeThrottled || code == .storeUnavailable ? retryAfterMilliseconds : nil)
    }

    /// What happened, and the way out.
    private func outcome(_ code: ArtifactError.Code) -> String {
        switch code {
        case .checksumMismatch: "failed: what the store received or holds is not what was sent; it must be sent again"
        case .storeThrottled: "was put off: the store asks for fewer requests"
        case .noSuchBucket: "failed: there is no such bucket; create it, or correct the store's URL or the endpoint"
        case .noSuchUpload: "failed: the store does not know the multipart upload; the upload must begin again"
        case .notFound: "failed: there is no such object"
        case .preconditionFailed: "was refused: the request's condition does not hold"
        case .storeDenied where isSkew: "was refused: this machine's clock and the store's differ too much; set the clock"
        case .storeDenied: "was refused: the credentials are not valid or may not do this; correct them or the bucket's policy"
        case .storeUnavailable: "failed for now; it can be tried again"
        default: rejection
        }
    }

    private var rejection: String {
        if (300..<400).contains(status) || self.code == "AuthorizationHeaderMalformed" || self.code == "PermanentRedirect" {
            if let region { return "was refused: the bucket lies in the region \(region.escapedForLog); set AWS_REGION to it" }
            if let location {
                return "was refused: the store points to \(location.shortForLog), where no credentials are sent unasked; "
                    + "set AWS_ENDPOINT_URL_S3 and AWS_REGION if that is right"
            }
        }
        return "was refused by the store for good; see the cause"
    }

    /// What S3 itself said, in one line.
    private var cause: String {
        var text = "HTTP \(status)"
        if !code.isEmpty { text += " \(code.shortForLog)" }
        if !message.isEmpty { text += ": \(message.shortForLog)" }
        if !requestID.isEmpty { text += ", request id \(requestID.shortForLog)" }
        return text
    }
}

extension String {
    /// At most 200 characters of what a server said, safe in a log line.
    fileprivate var shortForLog: String { String(prefix(200)).escapedForLog }
}
