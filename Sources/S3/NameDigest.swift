public import ArtifactModel
import COpenSSL

/// The digest of name-based UUIDs. It names things; it protects nothing.
public enum NameDigest {
    /// The SHA-1 (FIPS 180-4), 20 bytes.
    /// - Throws: `internalFault` where OpenSSL does not compute it.
    public static func sha1(_ bytes: [UInt8]) throws(ArtifactError) -> [UInt8] {
        try bytes.span.bytes.withUnsafeBytes { (bytes) throws(ArtifactError) in try Digest.sha1(bytes) }
    }
}
