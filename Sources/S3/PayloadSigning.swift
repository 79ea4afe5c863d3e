import ObjectStore

/// When the SHA-256 of a body is signed with its request, which costs more CPU than everything else about an upload.
public enum PayloadSigning: String, Sendable, CaseIterable {
    /// Left out where the endpoint verifies a CRC and the bytes travel over TLS or do not leave the machine.
    case automatic
    /// Always signed.
    case always
    /// Left out wherever the endpoint verifies a CRC.
    case never

    /// Whether the bodies sent to this endpoint are signed.
    func signsBodies(integrity: Integrity, endpoint: EndpointURL) -> Bool {
        // Where no CRC is verified the signature is what guards the body, or at least can do no harm.
        guard integrity.crc != nil else { return true }
        return switch self {
        case .automatic: !endpoint.isTLS && !endpoint.isLoopback
        case .always: true
        case .never: false
        }
    }
}
