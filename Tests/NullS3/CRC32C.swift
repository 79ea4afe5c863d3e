/// CRC-32C (RFC 3720, appendix B.4), four tables deep: an implementation that shares nothing with the one under test.
enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 4 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 255)]
        }
        return tables
    }()

    /// The checksum in base64 as S3 writes it: eight characters for four bytes, big-endian.
    static func base64(_ bytes: [UInt8]) -> String {
        let value = UInt64(checksum(bytes)) << 16
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let digits = stride(from: UInt64(42), through: 12, by: -6).map { alphabet[Int(value >> $0 & 63)] }
        return String(decoding: digits, as: UTF8.self) + "=="
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            bytes.withUnsafeBytes { bytes in
                var crc = ~UInt32(0)
                var offset = 0
                while offset + 4 <= bytes.count {
                    crc ^= UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                    crc =
                        tables[768 + Int(crc & 255)] ^ tables[512 + Int(crc >> 8 & 255)]
                        ^ tables[256 + Int(crc >> 16 & 255)] ^ tables[Int(crc >> 24)]
                    offset += 4
                }
                while offset < bytes.count {
                    crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[offset])) & 255)]
                    offset += 1
                }
                return ~crc
            }
        }
    }
}
