public import ArtifactModel

/// All that an `S3Store` needs to know, from the environment, the AWS tools' files and the daemon's configuration.
public struct S3Settings: Sendable {
    /// The region that requests are signed for.
    public let region: String
    let endpoint: EndpointURL?
    let caBundle: String?
    let providers: [any CredentialsProvider]
    let options: S3Options

    /// The settings, found as the AWS tools find them: a variable, else the profile, else the default.
    ///
    /// - `AWS_PROFILE` names the profile (`default`); `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` the files, else
    ///   `config` and `credentials` in `$HOME/.aws`.
    /// - Endpoint: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `s3.endpoint_url` of the profile's `services` section,
    ///   `endpoint_url` of the profile, else AWS's own of the region.
    /// - Region: `AWS_REGION`, `AWS_DEFAULT_REGION`, `region` of the profile, else `us-east-1`.
    /// - Trusted certificates: `AWS_CA_BUNDLE`, `ca_bundle` of the profile, else the system's.
    /// - Credentials: `AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, else the profile's, else the
    ///   profile's in systemd's credential `aws` (`$CREDENTIALS_DIRECTORY`), which has the form of a credentials file.
    ///   They are read at the first request, and again when the store refuses them.
    ///
    /// An empty variable counts as not set. Source: AWS SDKs and Tools Reference Guide, "Settings reference".
    /// - Throws: `invalidRequest` that names the variable or the file and line; `storeDenied` for half a pair of credentials.
    public static func resolve(environment: [String: String], options: S3Options) throws(ArtifactError) -> S3Settings {
        let environment = environment.filter { !$0.value.isEmpty }
        let home = environment["HOME"]
        let files = ProfileFiles(
            config: environment["AWS_CONFIG_FILE"] ?? home.map { "\($0)/.aws/config" },
            credentials: environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home.map { "\($0)/.aws/credentials" })
        let name = environment["AWS_PROFILE"] ?? "default"
        let contents = try files.read()
        let profile = contents.profile(name)
        if profile == nil, environment["AWS_PROFILE"] != nil {
            throw ArtifactError(
                .invalidRequest,
                "AWS_PROFILE names the profile '\(name.escapedForLog)', which is not in \(files.names); "
                    + "write it or unset AWS_PROFILE"
            )
        }
        var providers: [any CredentialsProvider] = [
            try EnvironmentCredentials(environment: environment), ProfileCredentials(profile: name, files: files),
        ]
        if let directory = environment["CREDENTIALS_DIRECTORY"] {
            let credential = ProfileFiles(config: nil, credentials: "\(directory)/aws")
            providers.append(ProfileCredentials(profile: name, files: credential))
        }
        return S3Settings(
            region: try region(environment: environment, profile: profile ?? [:]),
            endpoint: try endpoint(environment: environment, profileName: name, profile: profile ?? [:], contents: contents),
            caBundle: environment["AWS_CA_BUNDLE"] ?? profile?["ca_bundle"], providers: providers, options: options)
    }

    private static func region(environment: [String: String], profile: [String: String]) throws(ArtifactError) -> String {
        let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? profile["region"] ?? "us-east-1"
        // It becomes part of a host's name and of the signed scope.
        guard region.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || Character(UnicodeScalar($0)).isASCIIAlphanumeric }) else {
            throw ArtifactError(
                .invalidRequest, "'\(region.escapedForLog)' is not a region's name; set AWS_REGION to one such as us-east-1")
        }
        return region
    }

    private static func endpoint(
        environment: [String: String], profileName: String, profile: [String: String], contents: ProfileFiles.Contents
    ) throws(ArtifactError) -> EndpointURL? {
        for variable in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"] {
            if let text = environment[variable] { return try EndpointURL(text, origin: variable) }
        }
        if let services = profile["services"] {
            guard let section = contents.services(services) else {
                throw ArtifactError(
                    .invalidRequest,
                    "the profile '\(profileName.escapedForLog)' names the section [services \(services.escapedForLog)], "
                        + "which is not in the configuration file; write it or remove the name")
            }
            if let text = section["s3.endpoint_url"], !text.isEmpty {
                return try EndpointURL(text, origin: "[services \(services.escapedForLog)]")
            }
        }
        guard let text = profile["endpoint_url"], !text.isEmpty else { return nil }
        return try EndpointURL(text, origin: "endpoint_url of the profile '\(profileName.escapedForLog)'")
    }

    /// How this bucket is reached.
    func address(ofBucket bucket: String) -> BucketAddress {
        // A certificate for *.s3… does not cover a bucket whose name has a dot.
        let pathStyle = options.pathStyle ?? (endpoint != nil || bucket.contains("."))
        return BucketAddress(bucket: bucket, endpoint: endpoint ?? EndpointURL(awsRegion: region), pathStyle: pathStyle)
    }
}

extension Character {
    fileprivate var isASCIIAlphanumeric: Bool { isASCII && (isLetter || isNumber) }
}
