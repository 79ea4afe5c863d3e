import ArtifactClient
import ArtifactModel
import HTTPTypes
import LinuxSystem

extension APIError {
    /// What the daemon says, in the platform's words. Its own code stands in the details as `reason`.
    init(_ error: ArtifactError) {
        self.init(
            Self.code(error.code), error.message,
            retryAfter: error.retryAfterMilliseconds.map { Int(clamping: ($0 + 999) / 1000) })
        if code != .rateLimited && code != .unavailable { retryAfter = nil }
        details = [JSON.Member(name: "reason", value: .string(error.code.description))]
        if let cause = error.cause { details.append(JSON.Member(name: "cause", value: .string(cause))) }
    }

    /// Why an artifact that was taken is not in the store, and will not be.
    /// - Parameter uri: where it was to lie.
    init(unstored error: ArtifactError, uri: String, job: JobID?) {
        self.init(error)
        message =
            error.code == .storeRejected
            ? "the store refuses the artifact as '\(uri.escapedForLog)': \(error.message)"
            : "the artifact could not be stored as '\(uri.escapedForLog)': \(error.message)"
        if let job { details.append(JSON.Member(name: "job_id", value: .string(job.description))) }
    }

    init(_ error: ClientError) {
        switch error {
        case .failure(let error): self.init(error)
        case .noDaemon, .connectionLost:
            self.init(.unavailable, "artifactd does not answer; try again")
            details = [JSON.Member(name: "reason", value: .string(error.code))]
        }
    }

    private static func code(_ code: ArtifactError.Code) -> Code {
        switch code {
        case .invalidRequest, .invalidKey, .destinationNotAllowed: .validationFailed
        case .denied: .forbidden
        case .tenantMismatch: .tenantMismatch
        case .notFound: .notFound
        case .conflict, .idempotencyConflict, .cancelled, .preconditionFailed: .conflict
        case .tooLarge, .frameTooLarge: .tooLarge
        // The same again would be refused again: a client that comes back by itself would do so for ever.
        case .storeRejected, .noSuchUpload: .conflict
        // The daemon, or its store, cannot do it now; some time, or an administrator, changes that without the client's help.
        case .busy, .shuttingDown, .localStorageFailed, .storeUnavailable, .storeThrottled, .checksumMismatch, .timeout,
            .storeDenied, .noSuchBucket, .storeNotTrusted:
            .unavailable
        // What the gateway itself sends is at fault, or artifactd.
        case .unsupportedMessage, .unsupportedVersion, .malformedFrame, .invalidSource, .sourceChanged, .sourceLost,
            .sourceUnreadable, .corruptObject, .internalFault:
            .internalError
        }
    }
}
