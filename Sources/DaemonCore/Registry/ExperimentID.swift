import ArtifactModel
import S3

/// Derives an experiment's id, the same on every node.
enum ExperimentID {
    /// The namespace of experiments. Source: the specification, section 11.
    private static let namespace: [UInt8] = [
        0x6B, 0x2F, 0x1F, 0x0E, 0x3D, 0x0A, 0x5C, 0x57, 0x9A, 0x43, 0x5F, 0x1C, 0x8F, 0x6D, 0x2A, 0x11,
    ]

    /// The UUID of version 5 (RFC 9562, section 5.5) of tenant, a zero byte and name, in its text form.
    static func of(tenant: String, name: String) throws(ArtifactError) -> String {
        var bytes = Array(try NameDigest.sha1(namespace + Array(tenant.utf8) + [0] + Array(name.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = hexadecimal(bytes)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }
}
