import ArtifactModel
import Testing

@testable import S3

/// Vectors as published: the examples in the Amazon S3 API Reference, "Signature Calculations for the Authorization Header", and
/// the get-vanilla family of the Signature Version 4 test suite.
@Suite struct SigV4Tests {
    private let secret = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    /// 2013-05-24T00:00:00Z
    private let time = SigningTime(unixSeconds: 1_369_353_600)

    private func signature(
        _ method: String, _ path: String, query: [HTTPField] = [], headers: [HTTPField] = [], digest: String
    ) throws -> String {
        let signer = SigV4(region: "us-east-1")
        let always = [
            HTTPField("host", "examplebucket.s3.amazonaws.com"), HTTPField("x-amz-content-sha256", digest),
            HTTPField("x-amz-date", time.stamp),
        ]
        let request = SigV4.Request(
            method: method, path: path, query: query, headers: headers + always, payloadDigest: digest)
        return try signer.authorization(
            of: request, at: time, accessKeyID: "AKIAIOSFODNN7EXAMPLE", key: signer.signingKey(secret: secret, at: time))
    }

    /// The example "GET Object", with a Range header, whole.
    @Test func getObject() throws {
        let authorization = try signature(
            "GET", "/test.txt", headers: [HTTPField("range", "bytes=0-9")], digest: Digest.sha256OfNothing)
        #expect(
            authorization == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    /// The example "PUT Object": a body, a key with a character that is encoded.
    @Test func putObject() throws {
        let digest = hexadecimal(try Digest.sha256(Array("Welcome to Amazon S3.".utf8)))
        let authorization = try signature(
            "PUT", "/" + "test$file.text".percentEncoded(keepingSlashes: true),
            headers: [
                HTTPField("date", "Fri, 24 May 2013 00:00:00 GMT"), HTTPField("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ], digest: digest)
        #expect(authorization.hasSuffix("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
    }

    /// The example "GET Bucket Lifecycle": a parameter without a value.
    @Test func getBucketLifecycle() throws {
        let authorization = try signature("GET", "/", query: [HTTPField("lifecycle", "")], digest: Digest.sha256OfNothing)
        #expect(authorization.hasSuffix("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
    }

    /// The example "Get Bucket (List Objects)".
    @Test func listObjects() throws {
        let authorization = try signature(
            "GET", "/", query: [HTTPField("max-keys", "2"), HTTPField("prefix", "J")], digest: Digest.sha256OfNothing)
        #expect(authorization.hasSuffix("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    struct Vanilla: Sendable, CustomTestStringConvertible {
        var name: String
        var method = "GET"
        var path = "/"
        var query: [HTTPField] = []
        var signature: String
        var testDescription: String { name }
    }

    static let suite = [
        Vanilla(name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vanilla(
            name: "get-vanilla-empty-query-key", query: [HTTPField("Param1", "value1")],
            signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        Vanilla(
            name: "get-vanilla-query-order-key-case", query: [HTTPField("Param2", "value2"), HTTPField("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Vanilla(
            name: "get-vanilla-utf8-query", query: [HTTPField("\u{1234}", "bar")],
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        Vanilla(
            name: "get-utf8", path: "/" + "\u{1234}".percentEncoded(),
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        Vanilla(
            name: "post-vanilla", method: "POST", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ]

    /// The suite's requests carry neither a digest header nor S3's name.
    @Test(arguments: suite) func testSuite(_ vector: Vanilla) throws {
        let signer = SigV4(region: "us-east-1", service: "service")
        // 2015-08-30T12:36:00Z
        let time = SigningTime(unixSeconds: 1_440_938_160)
        let request = SigV4.Request(
            method: vector.method, path: vector.path, query: vector.query,
            headers: [HTTPField("host", "example.amazonaws.com"), HTTPField("x-amz-date", time.stamp)],
            payloadDigest: Digest.sha256OfNothing)
        let key = try signer.signingKey(secret: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), at: time)
        let authorization = try signer.authorization(of: request, at: time, accessKeyID: "AKIDEXAMPLE", key: key)
        #expect(authorization.hasSuffix("Signature=\(vector.signature)"))
    }

    /// S3 signs a key as it travels: encoded once, a double slash kept, a plus sign and a literal `%2e` encoded.
    @Test func keysAreNotNormalised() {
        let address = BucketAddress(
            bucket: "b", endpoint: EndpointURL(awsRegion: "eu-central-1"), pathStyle: false)
        let request = SigV4.Request(
            method: "GET", path: address.path(ofKey: "a b//%2e/+/\u{E4}"), query: [], headers: [], payloadDigest: "x")
        #expect(SigV4.canonicalRequest(request).hasPrefix("GET\n/a%20b//%252e/%2B/%C3%A4\n"))
    }

    /// Values are signed as a server sees them: without spaces at the ends, and runs of spaces as one.
    @Test func headersAreTrimmed() {
        let request = SigV4.Request(
            method: "GET", path: "/", query: [], headers: [HTTPField("b", "  x   y "), HTTPField("a", "1")], payloadDigest: "x")
        #expect(SigV4.canonicalRequest(request) == "GET\n/\n\na:1\nb:x y\n\na;b\nx")
    }

    /// The key of the day is derived anew when the day or the secret changes, and only then the same.
    @Test func theCachedKeyIsThatOfTheDayAndSecret() throws {
        let signer = SigV4(region: "us-east-1")
        let cache = SigningKeyCache(signer: signer)
        let tomorrow = SigningTime(unixSeconds: 1_369_353_600 + 86_400)
        let other = Secret("other")
        for (secret, time) in [(secret, time), (secret, time), (secret, tomorrow), (other, tomorrow), (secret, time)] {
            #expect(try cache.key(secret: secret, at: time) == signer.signingKey(secret: secret, at: time))
        }
        #expect(try signer.signingKey(secret: secret, at: time) != signer.signingKey(secret: secret, at: tomorrow))
    }
}
