/// The checksum of a whole object as the store has it.
enum FullChecksum {
    /// In the form `algorithm:base64`; nil when the store names none.
    ///
    /// A checksum of checksums, which ends in a hyphen and the number of parts, says nothing about the whole.
    /// - Parameter value: what stands under an algorithm's name, in lower case.
    static func found(_ value: (String) -> String?) -> String? {
        for algorithm in ["crc64nvme", "crc32c", "sha256"] {
            if let value = value(algorithm), !value.isEmpty, !value.contains("-") { return "\(algorithm):\(value)" }
        }
        return nil
    }
}
