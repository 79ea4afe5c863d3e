public import ArtifactModel

/// CRCs by the plain table method, written without a glance at the product's own code: what the tests hold it against.
public enum TableCRC {
    /// The check of these bytes.
    public static func check(_ algorithm: CRC.Algorithm, of bytes: UnsafeRawBufferPointer) -> CRC {
        switch algorithm {
        case .crc32c: CRC(.crc32c, value: value(of: bytes, table: castagnoli, ones: 0xFFFF_FFFF), length: UInt64(bytes.count))
        case .crc64nvme: CRC(.crc64nvme, value: value(of: bytes, table: nvme, ones: .max), length: UInt64(bytes.count))
        }
    }

    /// The check of these bytes.
    public static func check(_ algorithm: CRC.Algorithm, of bytes: [UInt8]) -> CRC {
        bytes.withUnsafeBytes { check(algorithm, of: $0) }
    }

    private static let castagnoli = table(polynomial: 0x82F6_3B78)
    private static let nvme = table(polynomial: 0x9A6C_9329_AC4B_C9B5)

    private static func table(polynomial: UInt64) -> [UInt64] {
        (0..<256).map { index in
            (0..<8).reduce(UInt64(index)) { word, _ in word & 1 == 0 ? word >> 1 : word >> 1 ^ polynomial }
        }
    }

    private static func value(of bytes: UnsafeRawBufferPointer, table: [UInt64], ones: UInt64) -> UInt64 {
        table.withUnsafeBufferPointer { table in
            // A plain loop: tests run unoptimised, where a closure a byte would cost seconds.
            var crc = ones
            var index = 0
            while index < bytes.count {
                crc = table[Int(truncatingIfNeeded: (crc ^ UInt64(bytes[index])) & 0xFF)] ^ crc >> 8
                index &+= 1
            }
            return crc ^ ones
        }
    }
}
