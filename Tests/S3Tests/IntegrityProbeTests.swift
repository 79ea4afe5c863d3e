import ArtifactModel
import ObjectStore
import TestSupport
import Testing

@testable import S3

@Suite struct IntegrityProbeTests {
    private static let begun = ScriptedServer.Answer.http(
        "200 OK", body: "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
    private static let taken = ScriptedServer.Answer.http("200 OK", ["ETag: \"e\""])
    private static let refused = ScriptedServer.Answer.error("400 Bad Request", "BadDigest")
    private static let aborted = ScriptedServer.Answer.http("204 No Content")
    private static let ignored = [begun, taken, taken, aborted]
    private static let verified = [begun, taken, refused, aborted]

    private func find(
        _ answers: [ScriptedServer.Answer], setting: IntegritySetting = .auto
    ) throws -> (Integrity, [ScriptedServer.Request]) {
        let server = try ScriptedServer(answers)
        let store = try Kit.store(server.endpoint, options: S3Options(integrity: setting), remembering: nil)
        return (try store.makeSession().integrity(), server.requests)
    }

    /// The digests that stand in the code are those of the bytes that are sent.
    @Test func constants() {
        #expect(TableCRC.check(.crc32c, of: IntegrityProbe.body).value == IntegrityProbe.crc32c)
        #expect(TableCRC.check(.crc64nvme, of: IntegrityProbe.body).value == IntegrityProbe.crc64nvme)
    }

    /// A right digest taken and a wrong one refused is proof; the upload is given up, and its key is below the prefix.
    @Test func aRefusedDigestIsProof() throws {
        let (integrity, requests) = try find(Self.verified)
        #expect(integrity == .crc32c)
        try #require(requests.count == 4)
        #expect(requests[0].line.contains("POST /bucket/pre/.artifactd/probe/"))
        #expect(requests[0].header("x-amz-checksum-algorithm") == "CRC32C")
        let right = TableCRC.check(.crc32c, of: IntegrityProbe.body).base64
        #expect(requests[1].header("x-amz-checksum-crc32c") == right)
        #expect(requests[1].body == IntegrityProbe.body && requests[2].body == IntegrityProbe.body)
        #expect(requests[2].header("x-amz-checksum-crc32c") != right)
        #expect(requests[3].line.hasPrefix("DELETE /bucket/pre/.artifactd/probe/"))
        #expect(requests[3].line.contains("uploadId=u "))
    }

    /// A server that ignores the CRC is asked for a signed SHA-256, then for Content-MD5.
    @Test func theNextBestIsTried() throws {
        #expect(try find(Self.ignored + Self.verified).0 == .sha256)
        let (integrity, requests) = try find(Self.ignored + Self.ignored + Self.verified)
        #expect(integrity == .md5)
        #expect(requests.filter { $0.line.hasPrefix("DELETE ") }.count == 3)
        let md5 = Array(requests.suffix(4))
        #expect(md5[0].header("x-amz-checksum-algorithm") == nil)
        #expect(md5[1].header("content-md5") != md5[2].header("content-md5"))
    }

    /// A server that verifies nothing, or stumbles, or does not know the header, is not trusted.
    @Test func nothingIsVerified() throws {
        let stumbles = [Self.begun, Self.taken, .http("500 Internal Server Error"), Self.aborted]
        let unknown = [Self.begun, .error("501 Not Implemented", "NotImplemented"), Self.aborted]
        let refusedAtOnce = [ScriptedServer.Answer.error("400 Bad Request", "InvalidArgument")]
        let (integrity, requests) = try find(refusedAtOnce + stumbles + unknown)
        #expect(integrity == .unverified)
        #expect(requests.count == 8)
    }

    /// What says nothing about digests is thrown, the upload given up, and asked again next time.
    @Test func failuresAreNotRemembered() throws {
        let away = ScriptedServer.Answer.error("503 Service Unavailable", "ServiceUnavailable")
        let server = try ScriptedServer([away, Self.begun, Self.taken, away, Self.aborted] + Self.verified)
        let memory = Memory()
        let store = try S3Store(
            location: .s3(bucket: "bucket", prefix: ""),
            settings: .resolve(
                environment: Kit.environment.merging(["AWS_ENDPOINT_URL": server.endpoint]) { $1 }, options: S3Options()),
            memory: memory)
        let session = store.makeSession()
        #expect(Kit.error { _ = try session.integrity() }?.code == .storeUnavailable)
        #expect(Kit.error { _ = try session.integrity() }?.code == .storeUnavailable)
        #expect(server.requests.last?.line.hasPrefix("DELETE ") == true)
        #expect(memory.everything.isEmpty)
        #expect(try session.integrity() == .crc32c)
        #expect(memory.everything == ["auto \(server.endpoint) bucket": .crc32c])
        // All sessions, and a later process, know by now.
        let count = server.requests.count
        #expect(try store.makeSession().integrity() == .crc32c)
        let later = try S3Store(location: store.location, settings: store.settings, memory: memory)
        #expect(try later.makeSession().integrity() == .crc32c)
        #expect(server.requests.count == count)
    }

    /// A bucket that is not there, or not ours, is said to be so.
    @Test func otherRefusalsAreThrown() throws {
        let bucket = Kit.error { _ = try find([.error("404 Not Found", "NoSuchBucket")]) }
        #expect(bucket?.code == .noSuchBucket)
        let denied = Kit.error { _ = try find([Self.begun, .error("403 Forbidden", "AccessDenied"), Self.aborted]) }
        #expect(denied?.code == .storeDenied)
    }

    /// An integrity that was asked for by name is that one or an error that names the setting.
    @Test func aNamedIntegrityIsNotReplaced() throws {
        let (integrity, requests) = try find(Self.verified, setting: .crc64nvme)
        #expect(integrity == .crc64nvme)
        #expect(requests[0].header("x-amz-checksum-algorithm") == "CRC64NVME")
        let error = Kit.error { _ = try find(Self.ignored, setting: .md5) }
        #expect(error?.code == .storeRejected)
        #expect(error?.message.contains("integrity 'md5'") == true)
    }
}
