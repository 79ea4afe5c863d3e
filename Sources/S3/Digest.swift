import ArtifactModel
import COpenSSL

/// OpenSSL's digests, one call each.
enum Digest {
    /// The SHA-256 of no bytes, in hexadecimal.
    static let sha256OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// The SHA-256 (FIPS 180-4), 32 bytes.
    static func sha256(_ bytes: UnsafeRawBufferPointer) throws(ArtifactError) -> [UInt8] {
        try digest(bytes, EVP_sha256(), "SHA-256")
    }

    /// The SHA-256 (FIPS 180-4), 32 bytes.
    static func sha256(_ bytes: [UInt8]) throws(ArtifactError) -> [UInt8] {
        try bytes.span.bytes.withUnsafeBytes { (bytes) throws(ArtifactError) in try sha256(bytes) }
    }

    /// The SHA-1 (FIPS 180-4), 20 bytes.
    static func sha1(_ bytes: UnsafeRawBufferPointer) throws(ArtifactError) -> [UInt8] {
        try digest(bytes, EVP_sha1(), "SHA-1")
    }

    /// The MD5 (RFC 1321), 16 bytes.
    static func md5(_ bytes: UnsafeRawBufferPointer) throws(ArtifactError) -> [UInt8] {
        try digest(bytes, EVP_md5(), "MD5")
    }

    /// The HMAC (RFC 2104) with SHA-256, 32 bytes.
    static func hmacSHA256(key: [UInt8], _ text: String) throws(ArtifactError) -> [UInt8] {
        let message = Array(text.utf8)
        var length: UInt32 = 0
        var succeeded = false
        let result = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            let code = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, buffer.baseAddress, &length)
            succeeded = code != nil
            count = succeeded ? Int(length) : 0
        }
        guard succeeded else { throw refused("HMAC-SHA-256") }
        return result
    }

    private static func digest(
        _ bytes: UnsafeRawBufferPointer, _ algorithm: OpaquePointer?, _ name: String
    ) throws(ArtifactError) -> [UInt8] {
        var length: UInt32 = 0
        var succeeded = false
        let result = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            succeeded = EVP_Digest(bytes.baseAddress, bytes.count, buffer.baseAddress, &length, algorithm, nil) == 1
            count = succeeded ? Int(length) : 0
        }
        guard succeeded else { throw refused(name) }
        return result
    }

    /// A FIPS provider knows no MD5, for one.
    private static func refused(_ name: String) -> ArtifactError {
        ArtifactError(
            .internalFault, "OpenSSL does not compute \(name) here; choose another integrity, or check its configuration")
    }
}
