import ArtifactModel
import ObjectStore
import Testing

@testable import S3

/// What is read from answers, without I/O.
@Suite struct AnswerTests {
    private func complete(_ text: String) -> CompleteAnswer { CompleteAnswer(body: Array(text.utf8)) }

    /// A finished upload gives its checksum where that is of the whole object.
    @Test func completeSucceeds() {
        let xml = "<CompleteMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><ETag>&quot;x-2&quot;</ETag>"
        #expect(
            complete("\(xml)<ChecksumCRC32C>4waSgw==</ChecksumCRC32C></CompleteMultipartUploadResult>")
                == .completed(checksum: "crc32c:4waSgw=="))
        #expect(
            complete("\(xml)<ChecksumCRC32C>4waSgw==-2</ChecksumCRC32C></CompleteMultipartUploadResult>")
                == .completed(checksum: nil))
    }

    /// An error document is a failure, also behind the white space that keeps the connection alive.
    @Test func completeFails() {
        let xml = "<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>InternalError</Code><Message>We</Message></Error>"
        #expect(complete("  \n \(xml)") == .failed(code: "InternalError", message: "We"))
    }

    /// White space and then nothing, half a document, another document: nobody knows.
    @Test(arguments: [
        "", "   \n\n ", "<CompleteMultipartUploadResult><ETag>", "<html></html>", "<CompleteMultipartUploadResult/>",
    ])
    func completeIsUnknown(_ text: String) {
        #expect(complete(text) == .unknown)
    }

    /// A document that defines entities, or nests without end, is no answer.
    @Test func hostileDocumentsAreRefused() {
        let entities = "<!DOCTYPE a [<!ENTITY b 'cccc'>]><a>&b;</a>"
        #expect(AnswerElement(parsing: Array(entities.utf8)) == nil)
        let deep = String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100)
        #expect(AnswerElement(parsing: Array(deep.utf8)) == nil)
    }

    /// Keys in a listing are decoded where the listing says that they are encoded, and only there.
    @Test func listingsDecodeTheirKeys() throws {
        func page(_ encoding: String) -> [UInt8] {
            Array(
                """
                <ListBucketResult>\(encoding)<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>
                <Contents><Key>a+b%2Bc</Key><LastModified>2026-01-31T23:59:59.120Z</LastModified><ETag>"e"</ETag><Size>7</Size>
                </Contents></ListBucketResult>
                """.utf8)
        }
        let encoded = try #require(Listing.Objects(body: page("<EncodingType>url</EncodingType>")))
        #expect(encoded.entries == [ListPage.Entry(key: "a b+c", size: 7, modifiedAt: 1_769_903_999_120, etag: "\"e\"")])
        #expect(encoded.isTruncated && encoded.token == "t")
        let plain = try #require(Listing.Objects(body: page("")))
        #expect(plain.entries.map(\.key) == ["a+b%2Bc"])
        #expect(Listing.Objects(body: Array("<html/>".utf8)) == nil)
    }

    /// Parts and uploads are read with the place where the next page begins.
    @Test func listingsOfUploads() throws {
        let parts = try #require(
            Listing.Parts(
                body: Array(
                    """
                    <ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>2</PartNumber><Size>5</Size>
                    <ETag>&quot;e&quot;</ETag></Part></ListPartsResult>
                    """.utf8)))
        #expect(parts.parts == [ListedPart(number: 2, size: 5, etag: "\"e\"")])
        #expect(parts.next == 2)
        let uploads = try #require(
            Listing.Uploads(
                body: Array(
                    """
                    <ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>
                    <NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>k</Key><UploadId>u</UploadId>
                    <Initiated>1970-01-01T00:00:01Z</Initiated></Upload></ListMultipartUploadsResult>
                    """.utf8)))
        #expect(uploads.uploads.map(\.key) == ["k"])
        #expect(uploads.uploads.map(\.upload) == [ListedUpload(id: "u", initiatedAt: 1000)])
        #expect(uploads.next.map { [$0.key, $0.uploadID] } == ["k", "u"])
    }

    /// The moments that S3 writes, and nothing that merely looks like one.
    @Test func moments() {
        #expect(AnswerTime.unixMilliseconds(iso8601: "2026-01-31T23:59:59Z") == 1_769_903_999_000)
        #expect(AnswerTime.unixMilliseconds(iso8601: "2026-01-31T23:59:59.5Z") == 1_769_903_999_500)
        #expect(AnswerTime.unixSeconds(httpDate: "Sat, 31 Jan 2026 23:59:59 GMT") == 1_769_903_999)
        for text in ["", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31T23:59:5x.1Z", "2026-01-31T23:59:59.xZ"] {
            #expect(AnswerTime.unixMilliseconds(iso8601: text) == nil)
        }
    }
}
