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
        // The daemon, or its store, cannot do it now; somebody's help or some time will change that.
        case .busy, .shuttingDown, .localStorageFailed, .storeUnavailable, .storeThrottled, .storeDenied, .storeRejected,
            .noSuchBucket,
            .noSuchUpload, .storeNotTrusted, .timeout, .checksumMismatch, .unsupportedMessage, .unsupportedVersion:
            .unavailable
        // What the gateway itself sends is at fault, or artifactd.
        case .malformedFrame, .invalidSource, .sourceChanged, .sourceLost, .sourceUnreadable, .corruptObject, .internalFault:
            .internalError
        }
    }
}
