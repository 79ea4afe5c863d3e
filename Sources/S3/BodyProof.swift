import ArtifactModel
import ObjectStore

/// What lets the store verify a body that it receives: a header, and how far the signature covers the body.
struct BodyProof: Equatable, Sendable {
    var header: HTTPField?
    var payload: S3Request.Payload

    /// - Parameters:
    ///   - check: of the body, where `integrity` names a CRC.
    ///   - signsBodies: whether the SHA-256 of the body is signed.
    /// - Throws: `internalFault` when the check is not of this body or not in the integrity's algorithm.
    init(
        integrity: Integrity, check: CRC?, body: UnsafeRawBufferPointer, signsBodies: Bool
    ) throws(ArtifactError) {
        guard check?.algorithm == integrity.crc, check.map({ $0.length == UInt64(body.count) }) ?? true else {
            throw ArtifactError(
                .internalFault,
                "a body of \(body.count) bytes came with a check of \(check.map { "\($0.length)" } ?? "no") bytes "
                    + "in another algorithm or of another length than '\(integrity.rawValue)' asks for; report this")
        }
        if let check {
            header = HTTPField(check.algorithm.headerName, check.base64)
        } else if integrity == .md5 {
            header = HTTPField("content-md5", base64(try Digest.md5(body)))
        }
        payload = signsBodies ? .signed : .unsigned
    }

    init(header: HTTPField?, payload: S3Request.Payload) {
        self.header = header
        self.payload = payload
    }
}

extension CRC.Algorithm {
    /// The header that carries the value, in base64.
    var headerName: String { "x-amz-checksum-\(integrity.rawValue)" }

    /// The value of `x-amz-checksum-algorithm`.
    var nameInHeaders: String { self == .crc32c ? "CRC32C" : "CRC64NVME" }

    /// The element that carries the value in XML.
    var elementName: String { "Checksum\(nameInHeaders)" }

    var integrity: Integrity { self == .crc32c ? .crc32c : .crc64nvme }
}
