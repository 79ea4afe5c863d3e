import ArtifactModel
import COpenSSL

/// OpenSSL's SHA-256 (FIPS 180-4).
enum SHA256 {
    static let byteCount = 32

    static func digest(_ bytes: [UInt8]) throws(ArtifactError) -> [UInt8] {
        var length: UInt32 = 0
        var succeeded = false
        let digest = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            succeeded = EVP_Digest(bytes, bytes.count, buffer.baseAddress, &length, EVP_sha256(), nil) == 1
            count = succeeded ? Int(length) : 0
        }
        guard succeeded, digest.count == byteCount else {
            throw ArtifactError(.internalFault, "OpenSSL computes no SHA-256 here; check its configuration")
        }
        return digest
    }

    /// Whether two digests are the same, in a time that does not tell how far.
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == byteCount && right.count == byteCount && CRYPTO_memcmp(left, right, byteCount) == 0
    }
}
