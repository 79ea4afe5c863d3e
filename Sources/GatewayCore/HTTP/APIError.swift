import ArtifactModel
import HTTPTypes

/// Why a request is refused, as the platform says it.
struct APIError: Error, Sendable, Equatable {
    /// What callers act on.
    enum Code: String, Sendable, CaseIterable {
        case validationFailed = "VALIDATION_FAILED"
        case unauthorized = "UNAUTHORIZED"
        case forbidden = "FORBIDDEN"
        case tenantMismatch = "TENANT_MISMATCH"
        case notFound = "RESOURCE_NOT_FOUND"
        case methodNotAllowed = "METHOD_NOT_ALLOWED"
        case notAcceptable = "NOT_ACCEPTABLE"
        case timeout = "REQUEST_TIMEOUT"
        case conflict = "CONFLICT"
        case tooLarge = "PAYLOAD_TOO_LARGE"
        case headerTooLarge = "HEADER_TOO_LARGE"
        case rangeNotSatisfiable = "RANGE_NOT_SATISFIABLE"
        case rateLimited = "RATE_LIMITED"
        case internalError = "INTERNAL_ERROR"
        case unavailable = "SERVICE_UNAVAILABLE"

        var status: HTTPResponse.Status {
            switch self {
            case .validationFailed: .badRequest
            case .unauthorized: .unauthorized
            case .forbidden, .tenantMismatch: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .notAcceptable: .notAcceptable
            case .timeout: .requestTimeout
            case .conflict: .conflict
            case .tooLarge: .contentTooLarge
            case .headerTooLarge: .requestHeaderFieldsTooLarge
            case .rangeNotSatisfiable: .rangeNotSatisfiable
            case .rateLimited: .tooManyRequests
            case .internalError: .internalServerError
            case .unavailable: .serviceUnavailable
            }
        }

        /// What kind of trouble it is: a coarser code.
        var category: String {
            switch self {
            case .validationFailed, .tooLarge, .headerTooLarge, .methodNotAllowed, .notAcceptable, .rangeNotSatisfiable:
                "VALIDATION"
            case .unauthorized: "AUTHENTICATION"
            case .forbidden, .tenantMismatch: "AUTHORIZATION"
            case .notFound: "NOT_FOUND"
            case .conflict: "CONFLICT"
            case .rateLimited: "RATE_LIMIT"
            case .internalError: "INTERNAL"
            case .unavailable, .timeout: "AVAILABILITY"
            }
        }
    }

    var code: Code
    /// One sentence for a person, with the way out.
    var message: String
    /// What else is known, for programs.
    var details: [JSON.Member] = []
    /// When to try again, in seconds; set with every RATE_LIMITED and SERVICE_UNAVAILABLE.
    var retryAfter: Int?
    /// What the status demands besides.
    var headers = HTTPFields()

    init(_ code: Code, _ message: String, retryAfter: Int? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter ?? (code == .rateLimited || code == .unavailable ? 5 : nil)
        if code == .unauthorized { headers[.wwwAuthenticate] = "Bearer realm=\"artifactd\"" }
    }
}

extension APIError: CustomStringConvertible {
    var description: String { "\(message) (\(code.rawValue))" }
}
