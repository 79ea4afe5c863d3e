import ArtifactModel
import ObjectStore
import Testing

@testable import S3

/// The requests against AWS's documented rules, without a server's mercy.
@Suite struct S3RequestTests {
    private let crc = CRC(.crc32c, value: 0xE306_9283, length: 9)
    private let body = Array("123456789".utf8)

    private func proof(_ integrity: Integrity, _ check: CRC?, signsBodies: Bool = false) throws -> BodyProof {
        try body.withUnsafeBytes { try BodyProof(integrity: integrity, check: check, body: $0, signsBodies: signsBodies) }
    }

    /// CreateMultipartUpload declares the algorithm, and that the checksum is of the whole object.
    @Test func createDeclaresTheChecksum() throws {
        let object = ObjectDescription(
            key: try ObjectKey("k"), contentType: "text/plain", encoding: .gzip, metadata: [("job", "1 \u{E4}")])
        #expect(
            try S3Request.createUpload(object, key: "p/k", algorithm: .crc32c)
                == S3Request(
                    operation: "CreateMultipartUpload", method: .post, key: "p/k", query: [HTTPField("uploads", "")],
                    headers: [
                        HTTPField("content-type", "text/plain"), HTTPField("content-encoding", "gzip"),
                        HTTPField("x-amz-meta-job", "1%20%C3%A4"), HTTPField("x-amz-checksum-algorithm", "CRC32C"),
                        HTTPField("x-amz-checksum-type", "FULL_OBJECT"),
                    ]))
    }

    /// Without a CRC nothing is declared, or AWS would ask each part for it.
    @Test func createDeclaresNothingWithoutACRC() throws {
        let request = try S3Request.createUpload(Kit.object(), key: "k", algorithm: nil)
        #expect(request.headers == [HTTPField("content-type", "application/octet-stream")])
    }

    /// A part carries its check in the header of its algorithm.
    @Test func aPartCarriesItsCheck() throws {
        let request = S3Request.uploadPart(key: "k", uploadID: "u", number: 3, proof: try proof(.crc32c, crc))
        #expect(request.query == [HTTPField("partNumber", "3"), HTTPField("uploadId", "u")])
        #expect(request.headers == [HTTPField("x-amz-checksum-crc32c", "4waSgw==")])
        #expect(request.payload == .unsigned)
        let wide = CRC(.crc64nvme, value: 0xAE8B_1486_0A79_9888, length: 9)
        #expect(try proof(.crc64nvme, wide).header == HTTPField("x-amz-checksum-crc64nvme", "rosUhgp5mIg="))
    }

    /// A single PUT carries the check, or Content-MD5, or leaves it to the signed SHA-256.
    @Test func aSinglePutCarriesWhatIsVerified() throws {
        let put = try S3Request.put(Kit.object(), key: "k", proof: try proof(.crc32c, crc))
        #expect(put.headers.last == HTTPField("x-amz-checksum-crc32c", "4waSgw=="))
        #expect(
            try proof(.md5, nil, signsBodies: true)
                == BodyProof(header: HTTPField("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="), payload: .signed)
        )
        #expect(try proof(.sha256, nil, signsBodies: true) == BodyProof(header: nil, payload: .signed))
    }

    /// The condition is named where it is asked for, and nowhere else.
    @Test func onlyAPutIfAbsentHasACondition() throws {
        let condition = HTTPField("if-none-match", "*")
        let proof = try proof(.crc32c, crc)
        #expect(try S3Request.put(Kit.object(), key: "k", proof: proof, ifAbsent: true).headers.last == condition)
        #expect(try !S3Request.put(Kit.object(), key: "k", proof: proof).headers.contains(condition))
    }

    /// A check of another body, of another algorithm, or none where one is due is a fault of ours and is not sent.
    @Test func aCheckThatDoesNotFitIsRefused() {
        for (integrity, check) in [
            (Integrity.crc32c, nil), (.crc64nvme, crc), (.sha256, crc), (.crc32c, CRC(.crc32c, value: 1, length: 8)),
        ] {
            #expect(Kit.error { _ = try proof(integrity, check) }?.code == .internalFault)
        }
    }

    /// CompleteMultipartUpload repeats each part's check, and gives that of the whole with its type.
    @Test func completeGivesAllChecks() {
        let parts = [
            PartReceipt(number: 1, size: 9, etag: "\"a&b\"", check: crc),
            PartReceipt(number: 2, size: 9, etag: "\"c\"", check: crc),
        ]
        let request = S3Request.completeUpload(key: "k", uploadID: "u", parts: parts, check: crc.joined(with: crc))
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
                + #"<Part><PartNumber>1</PartNumber><ETag>"a&amp;b"</ETag><ChecksumCRC32C>4waSgw==</ChecksumCRC32C></Part>"#
                + #"<Part><PartNumber>2</PartNumber><ETag>"c"</ETag><ChecksumCRC32C>4waSgw==</ChecksumCRC32C></Part>"#
                + "</CompleteMultipartUpload>")
        #expect(
            request.headers == [
                HTTPField("content-type", "application/xml"), HTTPField("x-amz-checksum-crc32c", crc.joined(with: crc).base64),
                HTTPField("x-amz-checksum-type", "FULL_OBJECT"),
            ])
        #expect(request.payload == .signed)
    }

    /// Without checks Complete says nothing of checksums.
    @Test func completeWithoutChecks() {
        let parts = [PartReceipt(number: 1, size: 9, etag: "\"a\"", check: nil)]
        let request = S3Request.completeUpload(key: "k", uploadID: "u", parts: parts, check: nil)
        #expect(!String(decoding: request.body, as: UTF8.self).contains("Checksum"))
        #expect(request.headers == [HTTPField("content-type", "application/xml")])
    }

    /// HEAD asks for the checksum, which AWS leaves out otherwise.
    @Test func headAsksForTheChecksum() {
        #expect(S3Request.head(key: "k").headers == [HTTPField("x-amz-checksum-mode", "ENABLED")])
    }

    /// Metadata over 2 KB, names that no header can have and content types that would end the header are refused with the reason.
    @Test func whatNoHeaderCarriesIsRefused() throws {
        var object = try Kit.object(metadata: [("job", String(repeating: "x", count: 2045))])
        #expect(try S3Request.headers(of: object).count == 2)
        object.metadata[0].value += "x"
        #expect(Kit.error { _ = try S3Request.headers(of: object) }?.code == .invalidRequest)
        for name in ["", "Job", "j b", "j\r\nb", "\u{E4}"] {
            let object = try Kit.object(metadata: [(name, "v")])
            #expect(Kit.error { _ = try S3Request.headers(of: object) }?.code == .invalidRequest)
        }
        object = try Kit.object()
        object.contentType = "text/plain\r\nx-amz-acl: public-read"
        #expect(Kit.error { _ = try S3Request.headers(of: object) }?.code == .invalidRequest)
    }

    /// A body goes unsigned only where a CRC is verified and nobody on the way can change both.
    @Test func bodiesAreSignedWhereNothingElseGuardsThem() throws {
        func signs(_ signing: PayloadSigning, _ integrity: Integrity, _ url: String) throws -> Bool {
            signing.signsBodies(integrity: integrity, endpoint: try EndpointURL(url, origin: "test"))
        }
        #expect(try !signs(.automatic, .crc32c, "https://s3.example"))
        #expect(try !signs(.automatic, .crc64nvme, "http://127.0.0.1:9000"))
        #expect(try !signs(.automatic, .crc32c, "http://[::1]:9000"))
        #expect(try signs(.automatic, .crc32c, "http://s3.example"))
        #expect(try signs(.automatic, .crc32c, "http://127.example"))
        #expect(try !signs(.never, .crc32c, "http://s3.example"))
        #expect(try signs(.always, .crc32c, "https://s3.example"))
        for integrity in [Integrity.sha256, .md5, .unverified] {
            #expect(try signs(.automatic, integrity, "https://s3.example"))
        }
    }
}
