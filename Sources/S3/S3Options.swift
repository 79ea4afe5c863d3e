public import ArtifactModel

/// What the daemon's configuration says about S3, beyond what the AWS tools' variables and files say.
public struct S3Options: Sendable {
    /// The version of artifactd, for the User-Agent header.
    public var version: String
    /// How the store shall verify what it receives.
    public var integrity: IntegritySetting
    /// Whether the bucket's name travels in the path; nil for yes with a configured endpoint and no with AWS's own.
    public var pathStyle: Bool?
    /// When bodies are signed.
    public var payloadSigning: PayloadSigning
    /// How long to wait for a connection, in milliseconds, name resolution included.
    public var connectTimeoutMilliseconds: Int
    /// How long a transfer may stay below 1 KiB/s, waiting for the answer included, in seconds.
    public var stallTimeoutSeconds: Int

    public init(
        version: String = artifactdVersion, integrity: IntegritySetting = .auto, pathStyle: Bool? = nil,
        payloadSigning: PayloadSigning = .automatic,
        connectTimeoutMilliseconds: Int = 10_000, stallTimeoutSeconds: Int = 30
    ) {
        self.version = version
        self.integrity = integrity
        self.pathStyle = pathStyle
        self.payloadSigning = payloadSigning
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.stallTimeoutSeconds = stallTimeoutSeconds
    }
}
