import HTTPTypes

extension HTTPField.Name {
    /// The tenant that a request counts for.
    static let tenantID = known("X-Tenant-ID")
    /// Chosen by the client, or here; stands in every answer and in the log.
    static let requestID = known("X-Request-ID")
    /// Makes a repeated upload the same one.
    static let idempotencyKey = known("X-Idempotency-Key")
    /// Says that an upload is an earlier one of the same key.
    static let idempotentReplay = known("X-Idempotent-Replay")
    /// The daemon's job that stores what was uploaded.
    static let jobID = known("X-Job-ID")
    /// Where in the store the artifact lies, or will.
    static let artifactURI = known("X-Artifact-URI")
    static let contentTypeOptions = known("X-Content-Type-Options")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no token") }
        return name
    }
}
