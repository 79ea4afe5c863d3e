import ArtifactModel
import Testing

@testable import GatewayCore

/// The forms in which an artifact goes out.
struct RepresentationTests {
    /// Each form has a tag of its own, so that no cache takes one for the other; only bare bytes are had in parts.
    @Test func tagsDiffer() {
        let stored = representation(.zstd, .asStored)
        let decoded = representation(.zstd, .decoded)
        let plain = representation(.identity, .asStored)
        #expect(stored.tag == "\"e\"" && decoded.tag == "W/\"e-decoded\"" && plain.tag == "\"e\"")
        #expect(stored.encoding == .zstd && stored.undone == .identity && stored.size == 10 && stored.checksum == nil)
        #expect(decoded.encoding == .identity && decoded.undone == .zstd && decoded.size == 30 && decoded.checksum == "crc32c:x")
        #expect(plain.size == 10 && plain.checksum == "crc32c:x")
        #expect([stored, decoded, plain].map(\.takesRanges) == [false, false, true])
        #expect(stored.isKnown(to: "\"e\"") && !stored.isKnown(to: "W/\"e-decoded\""))
        #expect(decoded.isKnown(to: "\"x\", W/\"e-decoded\"") && !decoded.isKnown(to: "\"e\"") && decoded.isKnown(to: "*"))
        #expect(plain.isKnown(to: "W/\"e\""))
    }

    /// Where the object is another than the registry's, the registry's size and checksum say nothing of it.
    @Test func ofAnotherObject() {
        for etag in ["f", nil] as [String?] {
            let decoded = representation(.zstd, .decoded, etag: etag)
            #expect(decoded.size == nil && decoded.checksum == nil)
            #expect(representation(.identity, .asStored, etag: etag).size == 10)
        }
        #expect(representation(.identity, .asStored, etag: nil).tag == nil)
        #expect(!representation(.identity, .asStored, etag: nil).isKnown(to: "*"))
    }

    /// A range is taken unless it belongs to another version; a weak tag proves nothing.
    @Test func conditions() {
        let plain = representation(.identity, .asStored)
        #expect(plain.mayBeTakenInPart(if: nil) && plain.mayBeTakenInPart(if: "\"e\""))
        #expect(!plain.mayBeTakenInPart(if: "\"f\"") && !plain.mayBeTakenInPart(if: "W/\"e\""))
        #expect(!plain.mayBeTakenInPart(if: "Sat, 21 Nov 2026 19:00:00 GMT"))
        let weak = representation(.identity, .asStored, etag: "W/\"e\"")
        #expect(weak.mayBeTakenInPart(if: nil) && !weak.mayBeTakenInPart(if: "W/\"e\""))
        #expect(!representation(.zstd, .decoded).mayBeTakenInPart(if: nil))
    }

    private func representation(_ encoding: ContentEncoding, _ form: AcceptEncoding.Form, etag: String? = "\"e\"")
        -> Representation
    {
        let artifact = ArtifactRecord(
            path: "a", uri: "s3://b/a", size: 30, kind: .other, contentType: "", state: .stored, checksum: "crc32c:x", etag: "e")
        return Representation(of: artifact, ObjectReader.Facts(size: 10, encoding: encoding, etag: etag), as: form)
    }
}
