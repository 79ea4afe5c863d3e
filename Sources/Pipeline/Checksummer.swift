public import ArtifactModel
import CISAL

/// Computes checks of bytes in memory.
public enum Checksummer {
    /// The check of these bytes. That of no bytes is `CRC.empty`.
    public static func crc(_ algorithm: CRC.Algorithm, _ bytes: UnsafeRawBufferPointer) -> CRC {
        let value =
            switch algorithm {
            case .crc32c: UInt64(crc32c(bytes))
            case .crc64nvme: CRC64NVME.value(bytes)
            }
        return CRC(algorithm, value: value, length: UInt64(bytes.count))
    }

    /// CRC-32C (RFC 3720, appendix B.4).
    ///
    /// ISA-L computes the bare remainder; inverting the register before and after is left to the caller.
    private static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var register = UInt32.max
        var rest = bytes[...]
        while !rest.isEmpty {
            // ISA-L takes the length as a C int.
            let run = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            rest = rest.dropFirst(run.count)
            // It takes a mutable pointer, and only reads.
            let start = UnsafeMutableRawPointer(mutating: run.baseAddress)?.assumingMemoryBound(to: UInt8.self)
            register = crc32_iscsi(start, Int32(run.count), register)
        }
        return ~register
    }
}
