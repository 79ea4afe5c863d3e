import ArtifactModel
import ObjectStore

/// How it is found out whether an endpoint verifies a digest: it must take a body with the right one and refuse one with a wrong
/// one. Many servers ignore headers that they do not know, so that taking the right one proves nothing.
struct IntegrityProbe {
    /// What is tried.
    let integrity: Integrity

    /// What is sent. The digests below are of these bytes.
    static let body = Array("artifactd asks what this endpoint verifies\n".utf8)
    static let crc32c: UInt64 = 0xD609_F664
    static let crc64nvme: UInt64 = 0xD298_70A8_8799_1736

    /// The key of the multipart upload that is begun and given up, below the store's prefix; never an object.
    static func key(random: UInt64) -> String { ".artifactd/probe/\(String(random, radix: 16))" }

    /// The part with its digest, right or wrong. A wrong one is well-formed: it is that of another body.
    func request(key: String, uploadID: String, isRight: Bool) throws(ArtifactError) -> S3Request {
        let bytes = isRight ? Self.body : Array("another body\n".utf8)
        let proof: BodyProof
        switch integrity {
        case .crc32c: proof = Self.proof(.crc32c, Self.crc32c, isRight: isRight)
        case .crc64nvme: proof = Self.proof(.crc64nvme, Self.crc64nvme, isRight: isRight)
        case .sha256: proof = BodyProof(header: nil, payload: .claimed(hexadecimal(try Digest.sha256(bytes))))
        case .md5:
            let digest = try bytes.span.bytes.withUnsafeBytes { (bytes) throws(ArtifactError) in try Digest.md5(bytes) }
            proof = BodyProof(header: HTTPField("content-md5", base64(digest)), payload: .signed)
        case .filesystem, .unverified:
            throw ArtifactError(
                .internalFault, "'\(integrity.rawValue)' is nothing that an S3 endpoint can be asked about; report this")
        }
        return .uploadPart(key: key, uploadID: uploadID, number: 1, proof: proof)
    }

    private static func proof(_ algorithm: CRC.Algorithm, _ value: UInt64, isRight: Bool) -> BodyProof {
        let check = CRC(algorithm, value: isRight ? value : value ^ 1, length: UInt64(body.count))
        return BodyProof(header: HTTPField(algorithm.headerName, check.base64), payload: .signed)
    }

    /// What an answer to the upload's beginning, or to the part with the right digest, says.
    enum RightAnswer: Equatable {
        /// The wrong digest can be tried.
        case taken
        /// The endpoint does not know this digest.
        case unknown
        /// It says nothing about digests: an outage, no rights, no bucket.
        case failed
    }

    static func judge(right failure: S3Failure?) -> RightAnswer {
        guard let failure else { return .taken }
        switch failure.errorCode(concernsUpload: true) {
        case .storeRejected, .checksumMismatch: return .unknown
        default: return .failed
        }
    }

    /// Whether the answer to the wrong digest proves that the endpoint looks at it; nil when it says nothing about digests.
    static func judge(wrong failure: S3Failure?) -> Bool? {
        guard let failure else { return false }
        if failure.status == 400 && failure.concernsDigest { return true }
        switch failure.errorCode(concernsUpload: true) {
        // A server that stumbles over a wrong digest says 500; that it is overloaded or away it says otherwise.
        case .storeUnavailable: return failure.status == 500 ? false : nil
        case .storeThrottled: return nil
        default: return false
        }
    }
}
