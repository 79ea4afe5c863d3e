/// CRC-64/NVME: reflected, register inverted before and after.
///
/// Source: NVM Express NVM Command Set Specification 1.0d, section 5.2.1.3.4. In Swift because ISA-L has this polynomial only
/// from version 2.31 on. Slicing by eight: eight table look-ups, none of which waits for another, take eight bytes at once.
enum CRC64NVME {
    private static let polynomial: UInt64 = 0x9A6C_9329_AC4B_C9B5

    /// Eight tables of 256 entries each, one after the other: entry `b` of table `t` is the remainder of byte `b` followed by `t`
    /// zero bytes.
    private static let tables: [UInt64] = {
        var entries = (0..<256).map { byte in
            (0..<8).reduce(UInt64(byte)) { remainder, _ in remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ polynomial }
        }
        for index in 256..<8 * 256 {
            let before = entries[index - 256]
            entries.append(before >> 8 ^ entries[Int(before & 0xFF)])
        }
        return entries
    }()

    static func value(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        tables.withUnsafeBufferPointer { tables in
            var register = UInt64.max
            var position = 0
            while bytes.count &- position >= 8 {
                let word = register ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                // The word's first byte is the one that the most bytes follow.
                let first = tables[7 &* 256 &+ Int(word & 0xFF)] ^ tables[6 &* 256 &+ Int(word >> 8 & 0xFF)]
                let second = tables[5 &* 256 &+ Int(word >> 16 & 0xFF)] ^ tables[4 &* 256 &+ Int(word >> 24 & 0xFF)]
                let third = tables[3 &* 256 &+ Int(word >> 32 & 0xFF)] ^ tables[2 &* 256 &+ Int(word >> 40 & 0xFF)]
                let fourth = tables[256 &+ Int(word >> 48 & 0xFF)] ^ tables[Int(word >> 56)]
                register = first ^ second ^ third ^ fourth
                position &+= 8
            }
            while position < bytes.count {
                register = register >> 8 ^ tables[Int((register ^ UInt64(bytes[position])) & 0xFF)]
                position &+= 1
            }
            return ~register
        }
    }
}
