import ArtifactModel

/// One place where credentials may be found.
protocol CredentialsProvider: Sendable {
    /// What was looked at, for the error that says that nothing was found.
    var place: String { get }

    /// The credentials as they stand there now; nil when the place has none.
    /// - Throws: when the place has something, but it cannot be used.
    func credentials() throws(ArtifactError) -> Credentials?
}

/// Credentials from the environment of the process, which does not change.
struct EnvironmentCredentials: CredentialsProvider {
    private let found: Credentials?

    /// - Throws: `storeDenied` when one of the two variables is there without the other.
    init(environment: [String: String]) throws(ArtifactError) {
        found = try Credentials(
            accessKeyID: environment["AWS_ACCESS_KEY_ID"], secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"],
            sessionToken: environment["AWS_SESSION_TOKEN"], names: ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            place: "the environment")
    }

    var place: String { "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)" }

    func credentials() -> Credentials? { found }
}

/// Credentials of one profile, in the files that the AWS tools share or in a credential that systemd passes. Read anew each time.
struct ProfileCredentials: CredentialsProvider {
    let profile: String
    let files: ProfileFiles

    var place: String { "profile '\(profile.escapedForLog)' in \(files.names)" }

    func credentials() throws(ArtifactError) -> Credentials? {
        let values: [String: String]
        do {
            values = try files.read().profile(profile) ?? [:]
        } catch {
            throw ArtifactError(.storeDenied, error.message, cause: error.cause)
        }
        return try Credentials(
            accessKeyID: values["aws_access_key_id"], secretAccessKey: values["aws_secret_access_key"],
            sessionToken: values["aws_session_token"], names: ("aws_access_key_id", "aws_secret_access_key"), place: place)
    }
}

extension Credentials {
    /// Credentials from values that may be missing or empty; nil when both halves are.
    fileprivate init?(
        accessKeyID: String?, secretAccessKey: String?, sessionToken: String?, names: (String, String), place: String
    ) throws(ArtifactError) {
        let (id, secret) = (accessKeyID ?? "", secretAccessKey ?? "")
        if id.isEmpty && secret.isEmpty { return nil }
        guard !id.isEmpty, !secret.isEmpty else {
            let (here, missing) = id.isEmpty ? (names.1, names.0) : names
            throw ArtifactError(
                .storeDenied, "half of the S3 credentials is missing: \(place) has \(here) but no \(missing); set both")
        }
        // A line break in a value would end the header that carries it.
        for value in [id, sessionToken ?? ""] where !value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw ArtifactError(
                .storeDenied,
                "the access key id or session token from \(place) has a character that no header can carry; set it anew")
        }
        let token = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
        self.init(accessKeyID: id, secretAccessKey: secret, sessionToken: token)
    }
}
