/// Where the objects of one bucket are reached.
struct BucketAddress: Equatable, Sendable {
    /// The endpoint as configured or AWS's own, for messages.
    let endpoint: EndpointURL
    /// The value of the Host header.
    let host: String
    /// What stands before a key: `/bucket` in path style, nothing in virtual-host style; the endpoint's own path before it.
    private let root: String

    /// - Parameter pathStyle: whether the bucket's name travels in the path rather than in the host's name.
    init(bucket: String, endpoint: EndpointURL, pathStyle: Bool) {
        self.endpoint = endpoint
        let authority = endpoint.host + (endpoint.port.map { ":\($0)" } ?? "")
        host = pathStyle ? authority : "\(bucket).\(authority)"
        root = pathStyle ? "\(endpoint.path)/\(bucket)" : endpoint.path
    }

    /// The path of an object, or of the bucket itself, percent-encoded as it travels and is signed.
    ///
    /// S3 encodes a key once and normalises nothing, unlike other services.
    /// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", the canonical URI.
    func path(ofKey key: String?) -> String {
        guard let key else { return root.isEmpty ? "/" : root }
        return "\(root)/\(key.percentEncoded(keepingSlashes: true))"
    }

    /// The URL of a path below this address.
    func url(path: String, query: String) -> String {
        "\(endpoint.isTLS ? "https" : "http")://\(host)\(path)\(query.isEmpty ? "" : "?\(query)")"
    }
}
