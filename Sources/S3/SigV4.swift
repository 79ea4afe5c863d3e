import ArtifactModel

/// Signature Version 4, with the date injected.
///
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single
/// Chunk".
struct SigV4: Sendable {
    /// What stands for the digest of a payload that is not signed.
    static let unsignedPayload = "UNSIGNED-PAYLOAD"

    let region: String
    let service: String

    init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// What is signed of a request.
    struct Request {
        var method: String
        /// Percent-encoded as it travels.
        var path: String
        /// Not encoded yet.
        var query: [HTTPField]
        /// All that is to be signed, `host` included; names in lower case.
        var headers: [HTTPField]
        /// The payload's SHA-256 in hexadecimal, or `unsignedPayload`.
        var payloadDigest: String
    }

    /// The value of the Authorization header.
    func authorization(
        of request: Request, at time: SigningTime, accessKeyID: String, key: SigningKey
    ) throws(ArtifactError) -> String {
        let signature = hexadecimal(try Digest.hmacSHA256(key: key.bytes, try stringToSign(of: request, at: time)))
        return "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope(at: time)),"
            + "SignedHeaders=\(Self.signedNames(Self.sorted(request.headers))),Signature=\(signature)"
    }

    /// The key of a day, which signs all its requests.
    func signingKey(secret: Secret, at time: SigningTime) throws(ArtifactError) -> SigningKey {
        var key = Array("AWS4\(secret.exposed)".utf8)
        for step in [time.date, region, service, "aws4_request"] {
            key = try Digest.hmacSHA256(key: key, step)
        }
        return SigningKey(bytes: key)
    }

    func stringToSign(of request: Request, at time: SigningTime) throws(ArtifactError) -> String {
        let digest = try Digest.sha256(Array(Self.canonicalRequest(request).utf8))
        return "AWS4-HMAC-SHA256\n\(time.stamp)\n\(scope(at: time))\n\(hexadecimal(digest))"
    }

    static func canonicalRequest(_ request: Request) -> String {
        let headers = sorted(request.headers)
        var text = "\(request.method)\n\(request.path)\n\(canonicalQuery(request.query))\n"
        for header in headers { text += "\(header.name):\(trimmed(header.value))\n" }
        text += "\n\(signedNames(headers))\n\(request.payloadDigest)"
        return text
    }

    /// Encoded, then sorted by name and value.
    static func canonicalQuery(_ query: [HTTPField]) -> String {
        query.map { ($0.name.percentEncoded(), $0.value.percentEncoded()) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map { "\($0.0)=\($0.1)" }
            .joined(separator: "&")
    }

    private func scope(at time: SigningTime) -> String { "\(time.date)/\(region)/\(service)/aws4_request" }

    private static func sorted(_ headers: [HTTPField]) -> [HTTPField] { headers.sorted { $0.name < $1.name } }

    private static func signedNames(_ headers: [HTTPField]) -> String { headers.map(\.name).joined(separator: ";") }

    /// Without spaces at the ends, and runs of them as one.
    private static func trimmed(_ value: String) -> String {
        guard value.utf8.contains(UInt8(ascii: " ")) else { return value }
        return value.split(separator: " ").joined(separator: " ")
    }
}
