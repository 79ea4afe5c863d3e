/// Bytes that follow from a seed alone, so that a test can tell later what must have been stored without keeping it.
///
/// They look random (SplitMix64) and do not compress.
public enum SeededBytes {
    /// The first `count` bytes of the seed's stream.
    public static func make(seed: UInt64, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            fill(UnsafeMutableRawBufferPointer(buffer), seed: seed)
            initialized = count
        }
    }

    /// Writes the first bytes of the seed's stream over the buffer.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer, seed: UInt64) {
        var state = seed
        let whole = buffer.count & ~7
        for offset in stride(from: 0, to: whole, by: 8) {
            buffer.storeBytes(of: next(&state).littleEndian, toByteOffset: offset, as: UInt64.self)
        }
        var word = next(&state)
        for offset in whole..<buffer.count {
            buffer[offset] = UInt8(truncatingIfNeeded: word)
            word >>= 8
        }
    }

    /// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
