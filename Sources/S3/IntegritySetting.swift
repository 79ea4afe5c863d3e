import ObjectStore

/// How the store shall verify what it receives, as the configuration names it.
public enum IntegritySetting: String, Sendable, CaseIterable {
    /// The best that the endpoint is found to verify: CRC-32C, else a signed SHA-256, else Content-MD5, else nothing.
    case auto
    /// CRC-64/NVME or an error.
    case crc64nvme
    /// CRC-32C or an error.
    case crc32c
    /// A signed SHA-256 of each payload or an error.
    case sha256
    /// Content-MD5 or an error.
    case md5

    /// What to try, the best first.
    var candidates: [Integrity] {
        switch self {
        case .auto: [.crc32c, .sha256, .md5]
        case .crc64nvme: [.crc64nvme]
        case .crc32c: [.crc32c]
        case .sha256: [.sha256]
        case .md5: [.md5]
        }
    }
}
