import ArtifactModel
import Foundation
import TestSupport
import Testing

@testable import S3

@Suite struct S3SettingsTests {
    private let home: TemporaryDirectory

    init() throws {
        home = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: "\(home.path)/.aws", withIntermediateDirectories: true)
    }

    private func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(home.path)/.aws/\(name)", atomically: true, encoding: .utf8)
    }

    private func resolve(_ environment: [String: String] = [:]) throws -> S3Settings {
        try S3Settings.resolve(environment: environment.merging(["HOME": home.path]) { $1 }, options: S3Options())
    }

    private func credentials(_ environment: [String: String] = [:]) throws -> Credentials {
        try CredentialsChain(try resolve(environment).providers).current()
    }

    /// With nothing said the region is us-east-1 and the endpoint AWS's, in virtual-host style.
    @Test func defaults() throws {
        let settings = try resolve()
        #expect(settings.region == "us-east-1")
        let address = settings.address(ofBucket: "bucket")
        #expect(address.url(path: address.path(ofKey: "k"), query: "") == "https://bucket.s3.us-east-1.amazonaws.com/k")
        let dotted = settings.address(ofBucket: "a.b")
        #expect(dotted.url(path: dotted.path(ofKey: nil), query: "") == "https://s3.us-east-1.amazonaws.com/a.b")
    }

    /// Variables go before the profile, the special before the general, and an empty one counts as not set.
    @Test func theOrderOfTheSources() throws {
        try write(
            """
            # comment
            [default]
            region = eu-west-1 ; why
            endpoint_url = http://profile:1
            ca_bundle = /profile.pem
            [profile other]
            services = mine
            [services mine]
            ec2 =
              endpoint_url = http://wrong:1
            s3 =
              endpoint_url = http://services:1
            """, to: "config")
        let profile = try resolve(["AWS_REGION": "", "AWS_ENDPOINT_URL": ""])
        #expect(profile.region == "eu-west-1")
        #expect(profile.endpoint?.description == "http://profile:1")
        #expect(profile.caBundle == "/profile.pem")
        #expect(try resolve(["AWS_PROFILE": "other"]).endpoint?.description == "http://services:1")
        let variables = [
            "AWS_DEFAULT_REGION": "r-2", "AWS_ENDPOINT_URL": "http://general:1", "AWS_CA_BUNDLE": "/variable.pem",
        ]
        let general = try resolve(variables)
        #expect(general.region == "r-2" && general.caBundle == "/variable.pem")
        #expect(general.endpoint?.description == "http://general:1")
        let special = try resolve(variables.merging(["AWS_REGION": "r-1", "AWS_ENDPOINT_URL_S3": "http://special:1"]) { $1 })
        #expect(special.region == "r-1")
        #expect(special.endpoint?.description == "http://special:1")
    }

    /// Credentials come from the variables, else from the profile in the credentials file, else in the config file.
    @Test func credentialsInOrder() throws {
        try write("[default]\naws_access_key_id = C\naws_secret_access_key = c\n", to: "config")
        #expect(try credentials() == Credentials(accessKeyID: "C", secretAccessKey: "c", sessionToken: nil))
        try write(
            "[default]\naws_access_key_id=F\naws_secret_access_key=f/+=#\naws_session_token=t\n[x]\naws_access_key_id=X\n"
                + "aws_secret_access_key=x", to: "credentials")
        #expect(try credentials() == Credentials(accessKeyID: "F", secretAccessKey: "f/+=#", sessionToken: "t"))
        #expect(try credentials(["AWS_PROFILE": "x"]).accessKeyID == "X")
        let variables = ["AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e"]
        #expect(try credentials(variables) == Credentials(accessKeyID: "E", secretAccessKey: "e", sessionToken: nil))
    }

    /// Files can lie elsewhere; systemd's credential is looked at last.
    @Test func otherFiles() throws {
        let form = "[default]\naws_access_key_id=S\naws_secret_access_key=s\n"
        try form.write(toFile: "\(home.path)/aws", atomically: true, encoding: .utf8)
        #expect(try credentials(["CREDENTIALS_DIRECTORY": home.path]).accessKeyID == "S")
        #expect(try credentials(["AWS_SHARED_CREDENTIALS_FILE": "\(home.path)/aws"]).accessKeyID == "S")
        try write(form.replacingOccurrences(of: "=S", with: "=H"), to: "credentials")
        #expect(try credentials(["CREDENTIALS_DIRECTORY": home.path]).accessKeyID == "H")
    }

    /// Without credentials the error says where was looked and what to do.
    @Test func noCredentials() throws {
        let error = Kit.error { _ = try credentials() }
        #expect(error?.code == .storeDenied)
        #expect(error?.message.contains("AWS_ACCESS_KEY_ID") == true)
        #expect(error?.message.contains("\(home.path)/.aws/credentials") == true)
    }

    /// Half a pair is an error and not an empty place.
    @Test func halfAPair() throws {
        let error = Kit.error { _ = try resolve(["AWS_ACCESS_KEY_ID": "E"]) }
        #expect(error?.code == .storeDenied)
        #expect(error?.message.contains("no AWS_SECRET_ACCESS_KEY") == true)
        try write("[default]\naws_secret_access_key = very-secret", to: "credentials")
        let other = Kit.error { _ = try credentials() }
        #expect(other?.code == .storeDenied)
        #expect(other?.message.contains("very-secret") == false)
    }

    /// Credentials are read anew on request, and said to be new only when they are.
    @Test func reload() throws {
        try write("[default]\naws_access_key_id=A\naws_secret_access_key=a", to: "credentials")
        let chain = CredentialsChain(try resolve().providers)
        let first = try chain.current()
        #expect(try !chain.reload(refused: first))
        try write("[default]\naws_access_key_id=B\naws_secret_access_key=b", to: "credentials")
        #expect(try chain.current() == first)
        #expect(try chain.reload(refused: first))
        #expect(try chain.current().accessKeyID == "B")
        // Another session was quicker: to this one they are new all the same.
        #expect(try chain.reload(refused: first))
    }

    /// A profile that is named must be there; one that is not named need not.
    @Test func aMissingProfileIsNamed() {
        let error = Kit.error { _ = try resolve(["AWS_PROFILE": "nobody"]) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("'nobody'") == true)
    }

    /// A malformed file is named with its line, and its text, which may be a secret, is not quoted.
    @Test(arguments: ["[default]\nregion = x\nS3CRET", "[default\nS3CRET = 1\n", "S3CRET = 1\n"])
    func malformedFiles(_ text: String) throws {
        try write(text, to: "credentials")
        let error = Kit.error { _ = try resolve() }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("credentials, line ") == true)
        #expect(error?.description.contains("S3CRET") == false)
    }

    /// What cannot be an endpoint or a region is refused at start, by the name of its source.
    @Test(arguments: [
        "s3.example", "ftp://x", "http://", "http://u:p@x", "http://x:0", "http://x:99999", "http://x:y", "http://x?q",
        "http://[::1",
        "http://x y",
    ])
    func malformedEndpoints(_ url: String) {
        let error = Kit.error { _ = try resolve(["AWS_ENDPOINT_URL": url]) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("AWS_ENDPOINT_URL") == true)
        #expect(Kit.error { _ = try resolve(["AWS_REGION": "x.evil/"]) }?.code == .invalidRequest)
    }

    /// The Host header is what the client sends: lower case, without the scheme's own port; a path stays before the bucket.
    @Test func endpointsAndStyles() throws {
        func url(_ endpoint: String, pathStyle: Bool? = nil) throws -> String {
            let settings = try S3Settings.resolve(
                environment: ["AWS_ENDPOINT_URL": endpoint], options: S3Options(pathStyle: pathStyle))
            let address = settings.address(ofBucket: "b")
            return address.url(path: address.path(ofKey: "k"), query: "")
        }
        #expect(try url("https://S3.Example:443/") == "https://s3.example/b/k")
        #expect(try url("http://[::1]:9000") == "http://[::1]:9000/b/k")
        #expect(try url("http://h:80/storage/v1/s3/") == "http://h/storage/v1/s3/b/k")
        #expect(try url("https://h:8443", pathStyle: false) == "https://b.h:8443/k")
    }

    /// No way of printing shows a secret.
    @Test func secretsDoNotPrint() throws {
        let environment = ["AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "S3CRET", "AWS_SESSION_TOKEN": "T0KEN"]
        let settings = try resolve(environment)
        let found = try credentials(environment)
        var dumped = ""
        dump(settings, to: &dumped)
        dump(found, to: &dumped)
        let key = try SigV4(region: "r").signingKey(secret: found.secretAccessKey, at: SigningTime(unixSeconds: 0))
        dump(key, to: &dumped)
        let texts = [dumped, "\(settings)", "\(found)", String(reflecting: found), "\(found.secretAccessKey)", "\(key)"]
        for text in texts {
            #expect(!text.contains("S3CRET") && !text.contains("T0KEN"))
            #expect(!text.contains(key.bytes.map(String.init).joined(separator: ", ")))
        }
    }
}
