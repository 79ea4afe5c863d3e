import ArtifactModel
import Foundation
import ObjectStore
import TestSupport
import Testing

@testable import S3

/// The session against a server that says what a test wrote down.
@Suite struct S3SessionTests {
    private let body = Array("123456789".utf8)
    private let crc = CRC(.crc32c, value: 0xE306_9283, length: 9)
    private static let stored = ScriptedServer.Answer.http("200 OK", ["ETag: \"e\""])

    private func put(_ session: any ObjectStoreSession, check: CRC?) throws -> StoredObject {
        try body.withUnsafeBytes { try session.put(Kit.object(), body: $0, check: check) }
    }

    private func complete(_ answers: [ScriptedServer.Answer]) throws -> StoredObject {
        let server = try ScriptedServer(answers)
        return try Kit.store(server.endpoint).makeSession().completeUpload(
            key: ObjectKey("k"), uploadID: "u",
            parts: [
                PartReceipt(number: 1, size: 9, etag: "\"e\"", check: crc),
                PartReceipt(number: 2, size: 9, etag: "\"f\"", check: crc),
            ], check: crc.joined(with: crc))
    }

    private static let completed = ScriptedServer.Answer.http(
        "200 OK", body: "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag></CompleteMultipartUploadResult>")

    /// A single PUT, byte for byte, and no further request where the endpoint verifies the check.
    @Test func aPutOnTheWire() throws {
        let server = try ScriptedServer([Self.stored])
        let environment = Kit.environment.merging(["AWS_SESSION_TOKEN": "token"]) { $1 }
        let session = try Kit.store(server.endpoint, environment: environment).makeSession()
        let object = try Kit.object("a b/%2e", metadata: [("job", "1")])
        let stored = try body.withUnsafeBytes { try session.put(object, body: $0, check: crc) }
        #expect(stored == StoredObject(etag: "\"e\"", checksum: nil))
        try #require(server.requests.count == 1)
        let request = server.requests[0]
        #expect(request.body == body)
        let authorization = try #require(request.header("authorization"))
        #expect(
            authorization.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-type;host;"
                    + "x-amz-checksum-crc32c;x-amz-content-sha256;x-amz-date;x-amz-meta-job;x-amz-security-token,Signature="))
        #expect(
            request.head.split(separator: "\r\n").sorted() == [
                "Accept: */*", "Content-Length: 9", "Host: 127.0.0.1:\(server.port)", "PUT /bucket/pre/a%20b/%252e HTTP/1.1",
                "User-Agent: artifactd/1.2.3", "authorization: \(authorization)", "content-type: application/octet-stream",
                "x-amz-checksum-crc32c: 4waSgw==", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "x-amz-date: 20130524T000000Z",
                "x-amz-meta-job: 1", "x-amz-security-token: token",
            ])
    }

    /// A put that shall replace nothing says so in a signed header, after a look that guards against servers that ignore it; the
    /// refusal means that there is an object, and a conflict with another writer that it can be tried again.
    @Test func aPutIfAbsentOnTheWire() throws {
        let refused = ScriptedServer.Answer.error("412 Precondition Failed", "PreconditionFailed")
        let conflict = ScriptedServer.Answer.error("409 Conflict", "ConditionalRequestConflict")
        let unknown = ScriptedServer.Answer.error("501 Not Implemented", "NotImplemented")
        let none = ScriptedServer.Answer.http("404 Not Found")
        let server = try ScriptedServer([none, Self.stored, none, refused, none, conflict, none, unknown, .head(size: 9)])
        let session = try Kit.store(server.endpoint).makeSession()
        func put() throws -> StoredObject? {
            try body.withUnsafeBytes { try session.putIfAbsent(Kit.object(), body: $0, check: crc) }
        }
        #expect(try put()?.etag == "\"e\"")
        #expect(server.requests.map(\.target) == ["HEAD /bucket/pre/k", "PUT /bucket/pre/k"])
        #expect(server.requests[1].header("if-none-match") == "*" && server.requests[1].body == body)
        #expect(server.requests[1].header("authorization")?.contains(";if-none-match;") == true)
        let second = try put()
        #expect(second == nil)
        #expect(Kit.error { _ = try put() }?.code == .storeUnavailable)
        #expect(Kit.error { _ = try put() }?.code == .storeRejected)
        let present = try put()
        #expect(present == nil && server.requests.count == 9)
    }

    /// Where nothing is verified the size is asked for, and must be right.
    @Test func anUnverifiedPutIsConfirmed() throws {
        let server = try ScriptedServer([Self.stored, .head(size: 9), Self.stored, .head(size: 8), Self.stored, .http("404 No")])
        let session = try Kit.store(server.endpoint, remembering: .unverified).makeSession()
        #expect(try put(session, check: nil).etag == "\"e\"")
        #expect(server.requests.map(\.target) == ["PUT /bucket/pre/k", "HEAD /bucket/pre/k"])
        #expect(server.requests[0].header("x-amz-content-sha256") == hexadecimal(try Digest.sha256(body)))
        #expect(Kit.error { _ = try put(session, check: nil) }?.code == .checksumMismatch)
        #expect(Kit.error { _ = try put(session, check: nil) }?.code == .storeUnavailable)
    }

    /// A checksum that the store answers and that is not ours is a mismatch, for an object and for a part.
    @Test func anotherChecksumIsAMismatch() throws {
        let other = ScriptedServer.Answer.http("200 OK", ["ETag: \"e\"", "x-amz-checksum-crc32c: AAAAAA=="])
        let same = ScriptedServer.Answer.http("200 OK", ["ETag: \"e\"", "x-amz-checksum-crc32c: 4waSgw=="])
        let session = try Kit.store(ScriptedServer([other, other, same]).endpoint).makeSession()
        #expect(Kit.error { _ = try put(session, check: crc) }?.code == .checksumMismatch)
        let part = PartDescription(key: try ObjectKey("k"), uploadID: "u", number: 1, offset: 0, check: crc)
        let error = Kit.error { try body.withUnsafeBytes { _ = try session.uploadPart(part, body: $0) } }
        #expect(error?.code == .checksumMismatch)
        #expect(try put(session, check: crc).checksum == "crc32c:4waSgw==")
    }

    /// A completed upload is confirmed by its size and, where the store has it, its checksum.
    @Test func completeIsConfirmed() throws {
        let whole = crc.joined(with: crc).base64
        #expect(
            try complete([Self.completed, .head(size: 18, ["x-amz-checksum-crc32c: \(whole)"])])
                == StoredObject(etag: "\"e\"", checksum: "crc32c:\(whole)"))
        #expect(try complete([Self.completed, .head(size: 18)]) == StoredObject(etag: "\"e\"", checksum: nil))
        let said = ScriptedServer.Answer.http(
            "200 OK",
            body: "<CompleteMultipartUploadResult><ETag>e</ETag><ChecksumCRC32C>\(whole)</ChecksumCRC32C>"
                + "</CompleteMultipartUploadResult>")
        #expect(try complete([said, .head(size: 18)]).checksum == "crc32c:\(whole)")
        for head in [
            ScriptedServer.Answer.head(size: 17), .head(size: 18, ["x-amz-checksum-crc32c: AAAAAA=="]),
        ] {
            #expect(Kit.error { _ = try complete([Self.completed, head]) }?.code == .checksumMismatch)
        }
    }

    /// Success by status and failure by body is a failure; by what the body says.
    @Test func completeWithAnErrorInside() throws {
        let failed = Kit.error { _ = try complete([.error("200 OK", "InternalError", message: "try again")]) }
        #expect(failed?.code == .storeUnavailable)
        #expect(failed?.cause?.contains("InternalError: try again") == true)
        #expect(Kit.error { _ = try complete([.error("200 OK", "NoSuchUpload")]) }?.code == .noSuchUpload)
    }

    /// White space, then the end: unknown, whether the answer is whole or cut.
    @Test func completeCutOff() throws {
        #expect(Kit.error { _ = try complete([.http("200 OK", body: "  \n ")]) }?.code == .storeUnavailable)
        let cut = ScriptedServer.Answer.cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n   \r\n")
        #expect(Kit.error { _ = try complete([cut]) }?.code == .storeUnavailable)
    }

    /// SlowDown is throttling, and the store's own delay comes along.
    @Test func slowDown() throws {
        let server = try ScriptedServer([.error("503 Slow Down", "SlowDown", ["Retry-After: 7"])])
        let session = try Kit.store(server.endpoint).makeSession()
        let error = Kit.error { _ = try put(session, check: crc) }
        #expect(error?.code == .storeThrottled)
        #expect(error?.retryAfterMilliseconds == 7000)
        #expect(server.requests.count == 1)
    }

    /// Garbage, a cut answer, a closed connection, silence, a closed port, an unknown host: away for now, the endpoint named.
    @Test func outages() throws {
        let server = try ScriptedServer([
            .cut("SSH-2.0-OpenSSH\r\n\r\n"), .cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345"), .cut(""), .silence,
        ])
        let store = try Kit.store(server.endpoint, options: S3Options(stallTimeoutSeconds: 1))
        for _ in 0..<4 {
            let error = Kit.error { _ = try store.makeSession().list(prefix: "", after: nil, limit: 1) }
            #expect(error?.code == .storeUnavailable)
            #expect(error?.message.contains(server.endpoint) == true)
        }
        #expect(server.requests.count == 4)
        let port = try Loopback.freePorts(1)[0]
        for endpoint in ["http://127.0.0.1:\(port)", "http://nowhere.invalid"] {
            let error = Kit.error { _ = try Kit.store(endpoint).makeSession().head(ObjectKey("k")) }
            #expect(error?.code == .storeUnavailable)
            #expect(error?.message.contains(endpoint) == true)
        }
    }

    /// An answer without what S3 always says, or without end, is no answer.
    @Test func answersThatAreNotS3() throws {
        let html = ScriptedServer.Answer.http("200 OK", body: "<html></html>")
        let endless = ScriptedServer.Answer.http("200 OK", body: String(repeating: "x", count: Transport.maximumBodyBytes + 1))
        let server = try ScriptedServer([html, html, .http("200 OK"), endless])
        let session = try Kit.store(server.endpoint).makeSession()
        #expect(Kit.error { _ = try session.list(prefix: "", after: nil, limit: 1) }?.code == .storeUnavailable)
        #expect(Kit.error { _ = try session.createUpload(Kit.object()) }?.code == .storeUnavailable)
        #expect(Kit.error { _ = try put(session, check: crc) }?.code == .storeUnavailable)
        #expect(Kit.error { _ = try session.listUploads(key: ObjectKey("k")) }?.message.contains("longer than") == true)
    }

    /// A redirect is not followed: nothing is sent to the other place.
    @Test(arguments: ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
    func redirects(_ status: String) throws {
        let elsewhere = try ScriptedServer([])
        let server = try ScriptedServer([.http(status, ["Location: \(elsewhere.endpoint)/bucket"])])
        let error = Kit.error { _ = try Kit.store(server.endpoint).makeSession().head(ObjectKey("k")) }
        #expect(error?.code == .storeRejected)
        #expect(error?.message.contains(elsewhere.endpoint) == true)
        #expect(server.requests.count == 1)
        #expect(elsewhere.requests.isEmpty)
    }

    /// The server's clock is learnt once, for all sessions, and the request sent again at once.
    @Test func skew() throws {
        let date = "Date: Fri, 24 May 2013 02:00:00 GMT"
        let server = try ScriptedServer([
            .error("403 Forbidden", "RequestTimeTooSkewed", [date]), Self.stored, .head(size: 1),
        ])
        let store = try Kit.store(server.endpoint)
        _ = try put(store.makeSession(), check: crc)
        _ = try store.makeSession().head(ObjectKey("k"))
        #expect(
            server.requests.map { $0.header("x-amz-date") } == ["20130524T000000Z", "20130524T020000Z", "20130524T020000Z"])
    }

    /// The answer to a HEAD cannot say why; a clock hours away explains it. It is tried once.
    @Test func skewAtHead() throws {
        let refused = ScriptedServer.Answer.http("403 Forbidden", ["Date: Fri, 24 May 2013 02:00:00 GMT"])
        let server = try ScriptedServer([refused, refused])
        let error = Kit.error { _ = try Kit.store(server.endpoint).makeSession().head(ObjectKey("k")) }
        #expect(error?.code == .storeDenied)
        #expect(server.requests.map { $0.header("x-amz-date") } == ["20130524T000000Z", "20130524T020000Z"])
    }

    /// Refused credentials are read anew; new ones are tried once, the same ones are not tried again.
    @Test(arguments: ["403 Forbidden", "400 Bad Request"])
    func credentialsAreReloaded(_ status: String) throws {
        let home = try TemporaryDirectory()
        func write(_ id: String) throws {
            try "[default]\naws_access_key_id=\(id)\naws_secret_access_key=S3CRET".write(
                toFile: "\(home.path)/file", atomically: true, encoding: .utf8)
        }
        let refused = ScriptedServer.Answer.error(status, "ExpiredToken", message: "The provided token has expired.")
        let server = try ScriptedServer([Self.stored, refused, Self.stored, refused])
        try write("OLD")
        let session = try Kit.store(
            server.endpoint, environment: ["AWS_SHARED_CREDENTIALS_FILE": "\(home.path)/file"]
        ).makeSession()
        _ = try put(session, check: crc)
        try write("NEW")
        _ = try put(session, check: crc)
        let error = Kit.error { _ = try put(session, check: crc) }
        #expect(error?.code == .storeDenied)
        let ids = server.requests.map { $0.header("authorization")?.contains("Credential=NEW/") }
        #expect(ids == [false, false, true, true])
        let text = String(describing: error) + String(reflecting: error)
        #expect(!text.contains("S3CRET") && !text.contains("Signature="))
    }

    /// A read hands over the info first and then the bytes; what the receiver throws ends it, and the session goes on.
    @Test func reading() throws {
        let answer = ScriptedServer.Answer.http(
            "200 OK",
            ["Content-Encoding: aws-chunked,zstd", "x-amz-meta-label: %C3%A4", "ETag: \"e\"", "Content-Type: text/plain"],
            body: "payload")
        let server = try ScriptedServer([answer, answer, .http("200 OK"), .http("404 Not Found")])
        let session = try Kit.store(server.endpoint).makeSession()
        var runs: [String] = []
        try session.get(ObjectKey("k")) { (info, bytes) in
            if runs.isEmpty {
                #expect(bytes.isEmpty)
                #expect(info.size == 7 && info.encoding == .zstd && info.contentType == "text/plain" && info.etag == "\"e\"")
                #expect(info.metadata == ["label": "\u{E4}"])
            }
            runs.append(String(decoding: bytes, as: UTF8.self))
        }
        #expect(runs.joined() == "payload")
        let own = ArtifactError(.cancelled, "enough")
        let stopped = Kit.error { try session.get(ObjectKey("k")) { (_, _) throws(ArtifactError) in throw own } }
        #expect(stopped == own)
        var calls = 0
        try session.get(ObjectKey("k")) { (info, bytes) in
            calls += 1
            #expect(info.size == 0 && bytes.isEmpty)
        }
        #expect(calls == 1)
        let missing = Kit.error { try session.get(ObjectKey("k")) { (_, _) in Issue.record("nothing is there") } }
        #expect(missing?.code == .notFound)
    }

    /// A range travels as a header; the answer's own range says the object's size.
    @Test func readingAPart() throws {
        let head = ["Content-Range: bytes 2-4/10", "ETag: \"e\"", "x-amz-checksum-crc32c: AAAAAA=="]
        let server = try ScriptedServer([
            .http("206 Partial Content", head, body: "234"),
            .http("206 Partial Content", ["Content-Range: bytes 7-9/10"], body: "789"),
            .error("416 Range Not Satisfiable", "InvalidRange"), .head(size: 10), .head(size: 10),
        ])
        let session = try Kit.store(server.endpoint).makeSession()
        #expect(try read(session, 2..<5) == "234 of 10")
        #expect(try read(session, 7..<UInt64.max) == "789 of 10")
        // Beyond the end, or empty: what is known of the object comes from HEAD.
        #expect(try read(session, 10..<20) == " of 10")
        #expect(try read(session, 3..<3) == " of 10")
        #expect(server.requests.map { $0.header("range") } == ["bytes=2-4", "bytes=7-", "bytes=10-19", nil, nil])
        #expect(server.requests.map(\.target).suffix(2) == ["HEAD /bucket/pre/k", "HEAD /bucket/pre/k"])
        #expect(server.requests[0].header("x-amz-checksum-mode") == nil)
    }

    /// Of a server that knows no ranges and sends the whole, the bytes asked for are taken, and no more is read than they need.
    @Test func readingAPartOfAServerWithoutRanges() throws {
        let whole = ScriptedServer.Answer.http("200 OK", ["ETag: \"e\""], body: "0123456789")
        let endless = ScriptedServer.Answer(
            bytes: Array("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\nETag: \"e\"\r\n\r\n0123456789".utf8))
        let server = try ScriptedServer([whole, whole, endless, whole, whole])
        let session = try Kit.store(server.endpoint).makeSession()
        #expect(try read(session, 2..<5) == "234 of 10")
        #expect(try read(session, 7..<UInt64.max) == "789 of 10")
        #expect(try read(session, 0..<3) == "012 of 1000000000000")
        #expect(try read(session, 10..<12) == " of 10")
        #expect(try read(session, 0..<10) == "0123456789 of 10")
    }

    /// An answer that holds other bytes than those asked for is not taken for them.
    @Test(arguments: [
        "Content-Range: bytes 3-5/10", "Content-Range: bytes 2-4/*", "Content-Range: bytes 2-3/10", "X-Other: none",
    ])
    func aForeignPartIsAnError(header: String) throws {
        let server = try ScriptedServer([.http("206 Partial Content", [header, "ETag: \"e\""], body: "345")])
        let session = try Kit.store(server.endpoint).makeSession()
        let error = Kit.error { _ = try read(session, 2..<5) }
        #expect(error?.code == .storeUnavailable)
    }

    /// An object that grew between the refusal of a range and the look at it was replaced: that is said, and can be tried again.
    @Test func anObjectThatGrewMeanwhile() throws {
        let server = try ScriptedServer([.error("416 Range Not Satisfiable", "InvalidRange"), .head(size: 11)])
        let session = try Kit.store(server.endpoint).makeSession()
        let error = Kit.error { _ = try read(session, 10..<20) }
        #expect(error?.code == .storeUnavailable)
    }

    private func read(_ session: any ObjectStoreSession, _ range: Range<UInt64>) throws -> String {
        var (text, size) = ("", UInt64(0))
        try session.get(ObjectKey("k"), range: range) { (info, bytes) in
            #expect(info.checksum == nil)
            size = info.size
            text += String(decoding: bytes, as: UTF8.self)
        }
        return "\(text) of \(size)"
    }

    /// A read that is cut is an error, though part of it was handed over.
    @Test func aCutReadIsAnError() throws {
        let server = try ScriptedServer([.cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345")])
        var count = 0
        let error = Kit.error {
            try Kit.store(server.endpoint).makeSession().get(ObjectKey("k")) { count += $1.count }
        }
        #expect(error?.code == .storeUnavailable)
        #expect(count == 5)
    }

    /// An object in an encoding that we do not know is not passed on as if we did.
    @Test func foreignEncodings() throws {
        let server = try ScriptedServer([.head(size: 1, ["Content-Encoding: br"])])
        let error = Kit.error { _ = try Kit.store(server.endpoint).makeSession().head(ObjectKey("k")) }
        #expect(error?.code == .corruptObject)
        #expect(error?.message.contains("'br'") == true)
    }

    /// A page without a key goes on by the store's token; a page with keys ends with the last, relative to the store.
    @Test func listing() throws {
        func page(_ inner: String) -> ScriptedServer.Answer {
            .http("200 OK", body: "<ListBucketResult><IsTruncated>true</IsTruncated>\(inner)</ListBucketResult>")
        }
        let server = try ScriptedServer([
            page("<NextContinuationToken>t/1</NextContinuationToken>"),
            page("<Contents><Key>pre/x</Key><Size>1</Size><LastModified>1970-01-01T00:00:00Z</LastModified></Contents>"),
        ])
        let found = try Kit.store(server.endpoint).makeSession().list(prefix: "x", after: "a", limit: 7)
        #expect(found.entries.map(\.key) == ["x"])
        #expect(found.next == "x")
        let query = "GET /bucket?list-type=2&max-keys=7&encoding-type=url&prefix=pre%2Fx"
        #expect(
            server.requests.map(\.line) == [
                "\(query)&start-after=pre%2Fa HTTP/1.1", "\(query)&continuation-token=t%2F1 HTTP/1.1",
            ])
    }

    /// Parts and uploads are listed over all pages; of the uploads only those of exactly this key.
    @Test func listingUploads() throws {
        func parts(_ number: Int, isTruncated: Bool) -> ScriptedServer.Answer {
            .http(
                "200 OK",
                body: "<ListPartsResult><IsTruncated>\(isTruncated)</IsTruncated><Part><PartNumber>\(number)</PartNumber>"
                    + "<Size>5</Size><ETag>e</ETag></Part></ListPartsResult>")
        }
        func uploads(_ key: String, _ id: String, isTruncated: Bool) -> ScriptedServer.Answer {
            .http(
                "200 OK",
                body: "<ListMultipartUploadsResult><IsTruncated>\(isTruncated)</IsTruncated><NextKeyMarker>\(key)</NextKeyMarker>"
                    + "<NextUploadIdMarker>\(id)</NextUploadIdMarker><Upload><Key>\(key)</Key><UploadId>\(id)</UploadId>"
                    + "<Initiated>1970-01-01T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>")
        }
        let server = try ScriptedServer([
            parts(1, isTruncated: true), parts(2, isTruncated: false), uploads("pre/k", "1", isTruncated: true),
            uploads("pre/k2", "2", isTruncated: false),
        ])
        let session = try Kit.store(server.endpoint).makeSession()
        #expect(try session.listParts(key: ObjectKey("k"), uploadID: "u").map(\.number) == [1, 2])
        #expect(try session.listUploads(key: ObjectKey("k")).map(\.id) == ["1"])
        #expect(server.requests[1].line == "GET /bucket/pre/k?uploadId=u&part-number-marker=1 HTTP/1.1")
        #expect(
            server.requests[3].line == "GET /bucket?uploads&prefix=pre%2Fk&key-marker=pre%2Fk&upload-id-marker=1 HTTP/1.1")
    }

    /// What is gone already need not be removed; what may not be removed is an error.
    @Test func removing() throws {
        let server = try ScriptedServer([
            .http("204 No Content"), .error("404 Not Found", "NoSuchKey"), .error("404 Not Found", "NoSuchUpload"),
            .error("404 Not Found", "NoSuchBucket"),
        ])
        let session = try Kit.store(server.endpoint).makeSession()
        try session.delete(ObjectKey("k"))
        try session.delete(ObjectKey("k"))
        try session.abortUpload(key: ObjectKey("k"), uploadID: "u")
        #expect(Kit.error { try session.delete(ObjectKey("k")) }?.code == .noSuchBucket)
    }

    /// A connection is used again, whatever was asked before, and a body in between goes out whole.
    @Test func oneHandleForAllMethods() throws {
        let large = SeededBytes.make(seed: 1, count: 300_000)
        let server = try ScriptedServer([
            .head(size: 1), Self.stored, Self.stored, .http("204 No Content"), .head(size: 2), Self.stored,
        ])
        let session = try Kit.store(server.endpoint).makeSession()
        let key = try ObjectKey("k")
        #expect(try session.head(key)?.size == 1)
        let check = TableCRC.check(.crc32c, of: large)
        _ = try large.withUnsafeBytes { try session.put(Kit.object(), body: $0, check: check) }
        _ = try session.put(Kit.object(), body: Kit.nothing, check: .empty(.crc32c))
        try session.delete(key)
        #expect(try session.head(key)?.size == 2)
        _ = try put(session, check: crc)
        #expect(server.requests.map { $0.line.prefix { $0 != " " } } == ["HEAD", "PUT", "PUT", "DELETE", "HEAD", "PUT"])
        #expect(server.requests.map(\.body.count) == [0, 300_000, 0, 0, 0, 9])
        #expect(server.requests[1].body == large)
        #expect(server.requests[2].header("content-length") == "0")
        #expect(server.requests.allSatisfy { $0.header("expect") == nil && $0.header("accept-encoding") == nil })
    }

    /// CreateMultipartUpload is not sent again by itself when a kept-alive connection ends without an answer: the store may have
    /// begun an upload, and would begin another. All other requests may be heard twice.
    @Test func uploadsAreBegunOnce() throws {
        let lost = ScriptedServer.Answer.cut("")
        let created = ScriptedServer.Answer.http(
            "200 OK", body: "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        let server = try ScriptedServer([Self.stored, lost, created, lost, Self.stored])
        let session = try Kit.store(server.endpoint).makeSession()
        _ = try put(session, check: crc)
        let error = Kit.error { _ = try session.createUpload(Kit.object()) }
        #expect(error?.code == .storeUnavailable)
        #expect(server.requests.count == 2)
        #expect(try session.createUpload(Kit.object()) == "u")
        #expect(try put(session, check: crc).etag == "\"e\"")
        #expect(server.requests.map(\.target).suffix(3) == ["POST /bucket/pre/k", "PUT /bucket/pre/k", "PUT /bucket/pre/k"])
    }

    /// A kept-alive connection that the server closed meanwhile costs nothing but a new one.
    @Test func aClosedConnectionIsReplaced() throws {
        let large = SeededBytes.make(seed: 2, count: 300_000)
        let server = try ScriptedServer([.http("200 OK", ["ETag: \"e\""], closes: true), Self.stored])
        let session = try Kit.store(server.endpoint).makeSession()
        _ = try put(session, check: crc)
        let check = TableCRC.check(.crc32c, of: large)
        _ = try large.withUnsafeBytes { try session.put(Kit.object(), body: $0, check: check) }
        #expect(server.requests.last?.body == large)
    }
}
