/// Anything that goes wrong, said once: a code that programs act on, a message that names the thing and the way out, and what
/// caused it underneath.
///
/// The number that travels on the wire and the exit code of the tools follow from the code alone.
public struct ArtifactError: Error, Sendable, Equatable {
    /// What kind of failure it is. The raw value is the number on the wire; numbers are never given a second meaning.
    public enum Code: UInt16, Sendable, CaseIterable {
        /// The request contradicts itself or lacks a field.
        case invalidRequest = 1
        /// No protocol version in common.
        case unsupportedVersion = 2
        /// A frame longer than the protocol allows. Ends the connection.
        case frameTooLarge = 3
        /// A frame that cannot be decoded. Ends the connection.
        case malformedFrame = 4
        /// A message type, or a critical field, that the receiver does not know.
        case unsupportedMessage = 5
        /// The destination cannot be an object key.
        case invalidKey = 10
        /// The destination lies outside the store and outside the allowed prefixes.
        case destinationNotAllowed = 11
        /// The source is not a regular file or sealed memfd opened for reading.
        case invalidSource = 12
        /// The source was written, truncated or replaced after it had been handed over.
        case sourceChanged = 13
        /// The source can no longer be reached.
        case sourceLost = 14
        /// Reading the source failed.
        case sourceUnreadable = 15
        /// The idempotency key was used before, for something else.
        case idempotencyConflict = 16
        /// No such job, object or spool file.
        case notFound = 17
        /// The thing exists but is in a state that does not allow the request.
        case conflict = 18
        /// The caller may not do this.
        case denied = 19
        /// A bound was reached; the same request can succeed later.
        case busy = 20
        /// The daemon is stopping; the same request can succeed after its restart.
        case shuttingDown = 21
        /// The journal or the spool could not be written.
        case localStorageFailed = 22
        /// The file is larger than the configuration allows for.
        case tooLarge = 23
        /// The experiment or run belongs to another tenant.
        case tenantMismatch = 24
        /// The store could not be reached or answered with a passing failure.
        case storeUnavailable = 30
        /// The store asks for fewer requests (503 SlowDown, 429).
        case storeThrottled = 31
        /// The store refused the request for good.
        case storeRejected = 32
        /// The store refused the credentials, or there are none.
        case storeDenied = 33
        /// The bucket or directory of the store does not exist.
        case noSuchBucket = 34
        /// The multipart upload is not known to the store (any more).
        case noSuchUpload = 35
        /// What the store holds or received differs from what was sent.
        case checksumMismatch = 36
        /// A conditional request's condition does not hold.
        case preconditionFailed = 37
        /// The store's certificate is not trusted, or names another host.
        case storeNotTrusted = 38
        /// The job was cancelled on request.
        case cancelled = 40
        /// The time that the caller allowed has passed.
        case timeout = 41
        /// The stored object's encoding does not decode.
        case corruptObject = 42
        /// A fault of artifactd itself.
        case internalFault = 50
    }

    /// What kind of failure it is.
    public var code: Code
    /// One sentence for a person: what, which thing, and the way out.
    public var message: String
    /// What lay underneath, as its own source said it (an errno, the store's error code); nil when there is nothing more to say.
    public var cause: String?
    /// When to try again, in milliseconds from now, where the other side said so.
    public var retryAfterMilliseconds: UInt64?

    /// An error with its code, its sentence, and optionally its cause.
    public init(_ code: Code, _ message: String, cause: String? = nil, retryAfterMilliseconds: UInt64? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }
}

extension ArtifactError: CustomStringConvertible {
    /// The message, and the cause behind it.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}

extension ArtifactError.Code: CustomStringConvertible {
    /// The code in snake case, as it stands in logs, status and JSON: bounded, so fit for a metric's label.
    public var description: String {
        switch self {
        case .invalidRequest: "invalid_request"
        case .unsupportedVersion: "unsupported_version"
        case .frameTooLarge: "frame_too_large"
        case .malformedFrame: "malformed_frame"
        case .unsupportedMessage: "unsupported_message"
        case .invalidKey: "invalid_key"
        case .destinationNotAllowed: "destination_not_allowed"
        case .invalidSource: "invalid_source"
        case .sourceChanged: "source_changed"
        case .sourceLost: "source_lost"
        case .sourceUnreadable: "source_unreadable"
        case .idempotencyConflict: "idempotency_conflict"
        case .notFound: "not_found"
        case .conflict: "conflict"
        case .denied: "denied"
        case .busy: "busy"
        case .shuttingDown: "shutting_down"
        case .localStorageFailed: "local_storage_failed"
        case .tooLarge: "too_large"
        case .tenantMismatch: "tenant_mismatch"
        case .storeUnavailable: "store_unavailable"
        case .storeThrottled: "store_throttled"
        case .storeRejected: "store_rejected"
        case .storeDenied: "store_denied"
        case .noSuchBucket: "no_such_bucket"
        case .noSuchUpload: "no_such_upload"
        case .checksumMismatch: "checksum_mismatch"
        case .preconditionFailed: "precondition_failed"
        case .storeNotTrusted: "store_not_trusted"
        case .cancelled: "cancelled"
        case .timeout: "timeout"
        case .corruptObject: "corrupt_object"
        case .internalFault: "internal_fault"
        }
    }

    /// Whether trying the same thing again can succeed without anybody's help.
    public var isTransient: Bool {
        switch self {
        case .busy, .shuttingDown, .localStorageFailed, .storeUnavailable, .storeThrottled, .checksumMismatch, .timeout: true
        default: false
        }
    }
}
