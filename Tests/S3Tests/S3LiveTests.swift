import ArtifactModel
import ObjectStore
import TestSupport
import Testing

@testable import S3

/// The store against a real server: what the conformance suite does not ask.
@Suite struct S3LiveTests {
    private let server: SeaweedFS
    private let bucket: String

    init() throws {
        server = try SeaweedFS.shared()
        bucket = try server.makeBucket()
    }

    private func session(
        _ changes: [String: String] = [:], options: S3Options = S3Options(), bucket: String? = nil
    ) throws -> any ObjectStoreSession {
        let environment = [
            "AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_ACCESS_KEY_ID": SeaweedFS.accessKey,
            "AWS_SECRET_ACCESS_KEY": SeaweedFS.secretKey,
        ]
        return try S3Store(
            location: .s3(bucket: bucket ?? self.bucket, prefix: "a prefix"),
            settings: .resolve(environment: environment.merging(changes) { $1 }, options: options), memory: nil
        ).makeSession()
    }

    /// The server is found to verify a CRC, and Content-MD5, and not the signed SHA-256, which it stores whatever it is.
    @Test func whatTheServerVerifies() throws {
        #expect(try session().integrity() == .crc32c)
        #expect(try session(options: S3Options(integrity: .crc64nvme)).integrity() == .crc64nvme)
        #expect(try session(options: S3Options(integrity: .md5)).integrity() == .md5)
        #expect(
            Kit.error { _ = try session(options: S3Options(integrity: .sha256)).integrity() }?.code == .storeRejected)
        #expect(try session().list(prefix: "", after: nil, limit: 10).entries.isEmpty)
    }

    /// Odd keys and metadata come back as they went, in each way of signing.
    @Test(arguments: PayloadSigning.allCases)
    func oddKeys(_ signing: PayloadSigning) throws {
        let session = try session(options: S3Options(payloadSigning: signing))
        for name in ["a b/%2e+\u{FC}.txt", "\u{65E5}\u{672C}", "q&<>\"'", "a:b@c=d;e,f$!*()~[]{}|^`#?"] {
            let key = try ObjectKey(name)
            let body = Array("body of \(name)".utf8)
            let object = ObjectDescription(
                key: key, contentType: "text/plain", encoding: .zstd, metadata: [("label", " \u{FC}  \(name)")])
            _ = try body.withUnsafeBytes {
                try session.put(object, body: $0, check: TableCRC.check(.crc32c, of: body))
            }
            var read: [UInt8] = []
            try session.get(key) { (info, bytes) in
                #expect(info.metadata["label"] == " \u{FC}  \(name)")
                #expect(info.encoding == .zstd && info.contentType == "text/plain" && info.size == UInt64(body.count))
                read += bytes
            }
            #expect(read == body)
            #expect(try session.list(prefix: name, after: nil, limit: 10).entries.map(\.key) == [name])
        }
    }

    /// A part with a wrong check is refused, sent again right it is taken, and the whole has the joined checksum.
    @Test func aWrongPartIsRefused() throws {
        let session = try session()
        let key = try ObjectKey("multi part+%.bin")
        let bodies = [SeededBytes.make(seed: 1, count: 5 << 20), SeededBytes.make(seed: 2, count: 100)]
        let checks = bodies.map { TableCRC.check(.crc32c, of: $0) }
        let id = try session.createUpload(Kit.object(key.text))
        var receipts: [PartReceipt] = []
        for (index, body) in bodies.enumerated() {
            try body.withUnsafeBytes { bytes in
                var part = PartDescription(
                    key: key, uploadID: id, number: index + 1, offset: 0,
                    check: CRC(.crc32c, value: checks[index].value ^ 1, length: UInt64(body.count)))
                #expect(Kit.error { _ = try session.uploadPart(part, body: bytes) }?.code == .checksumMismatch)
                part.check = checks[index]
                receipts.append(try session.uploadPart(part, body: bytes))
            }
        }
        #expect(try session.listUploads(key: key).map(\.id) == [id])
        #expect(try session.listParts(key: key, uploadID: id).map(\.size) == [5 << 20, 100])
        let whole = checks[0].joined(with: checks[1])
        let stored = try session.completeUpload(key: key, uploadID: id, parts: receipts, check: whole)
        #expect(stored.checksum == "crc32c:\(whole.base64)")
        #expect(try session.listUploads(key: key).isEmpty)
    }

    /// The wrong secret, an unknown key and a bucket that is not there are told apart.
    @Test func refusals() throws {
        let key = try ObjectKey("k")
        #expect(Kit.error { _ = try session(["AWS_SECRET_ACCESS_KEY": "wrong"]).head(key) }?.code == .storeDenied)
        #expect(
            Kit.error { _ = try session(["AWS_ACCESS_KEY_ID": "NOBODY"]).list(prefix: "", after: nil, limit: 1) }?.code
                == .storeDenied)
        // Not by a write: this server then makes the bucket.
        let missing = try session(bucket: "no-such-bucket")
        #expect(Kit.error { _ = try missing.list(prefix: "", after: nil, limit: 1) }?.code == .noSuchBucket)
    }

    /// A clock that is hours off is corrected from the server's answer.
    @Test func theClockIsCorrected() throws {
        let settings = try S3Settings.resolve(
            environment: [
                "AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_ACCESS_KEY_ID": SeaweedFS.accessKey,
                "AWS_SECRET_ACCESS_KEY": SeaweedFS.secretKey,
            ], options: S3Options())
        let store = try S3Store(
            location: .s3(bucket: bucket, prefix: ""), settings: settings, memory: nil, clock: { 1_369_353_600 })
        #expect(try store.makeSession().head(ObjectKey("none")) == nil)
    }

    /// Over TLS the certificate must be signed by an authority that is named; then everything works.
    @Test func certificatesAreVerified() throws {
        let endpoint = try #require(server.secureEndpoint)
        let authority = try #require(server.authorityPath)
        let untrusted = Kit.error { _ = try session(["AWS_ENDPOINT_URL_S3": endpoint]).integrity() }
        #expect(untrusted?.code == .storeNotTrusted)
        #expect(untrusted?.message.contains("AWS_CA_BUNDLE") == true)
        let missing = ["AWS_ENDPOINT_URL_S3": endpoint, "AWS_CA_BUNDLE": "/nonexistent.pem"]
        #expect(Kit.error { _ = try session(missing).integrity() }?.code == .storeNotTrusted)
        let trusted = try session(["AWS_ENDPOINT_URL_S3": endpoint, "AWS_CA_BUNDLE": authority])
        #expect(try trusted.integrity() == .crc32c)
    }
}
