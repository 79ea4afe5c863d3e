/// How a checksum is computed.
public enum ChecksumAlgorithm: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// CRC-32C (Castagnoli, RFC 3720 appendix B.4), four bytes.
    case crc32c = 1
    /// CRC-64/NVME, eight bytes.
    case crc64nvme = 2
    /// SHA-256, 32 bytes.
    case sha256 = 3
    /// MD5, 16 bytes.
    case md5 = 4

    /// The name as in `x-amz-checksum-…`, lower case.
    public var description: String {
        switch self {
        case .crc32c: "crc32c"
        case .crc64nvme: "crc64nvme"
        case .sha256: "sha256"
        case .md5: "md5"
        }
    }
}

/// A cyclic redundancy check of some bytes that can be joined with that of the bytes that follow.
public struct CRC: Hashable, Sendable {
    /// Which polynomial.
    public enum Algorithm: UInt8, Sendable {
        /// CRC-32C.
        case crc32c = 1
        /// CRC-64/NVME.
        case crc64nvme = 2

        /// The width in bits.
        public var width: Int { self == .crc32c ? 32 : 64 }
        /// The polynomial, reflected (least significant bit is the highest power).
        var polynomial: UInt64 { self == .crc32c ? 0x82F6_3B78 : 0x9A6C_9329_AC4B_C9B5 }
    }

    /// Which polynomial.
    public let algorithm: Algorithm
    /// The value, in the low bits.
    public let value: UInt64
    /// How many bytes it covers.
    public let length: UInt64

    /// A check of `length` bytes with this value.
    public init(_ algorithm: Algorithm, value: UInt64, length: UInt64) {
        self.algorithm = algorithm
        self.value = value
        self.length = length
    }

    /// The check of no bytes at all.
    public static func empty(_ algorithm: Algorithm) -> CRC { CRC(algorithm, value: 0, length: 0) }

    /// The value in bytes, big-endian: what S3 encodes in base64.
    public var bytes: [UInt8] {
        stride(from: algorithm.width - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    /// The value in base64, as S3 writes it.
    public var base64: String { ArtifactModel.base64(bytes) }

    /// The check of these bytes followed by those of `next`, without the bytes: multiplication by x^(8·length) modulo the
    /// polynomial (the method of zlib's `crc32_combine`).
    public func joined(with next: CRC) -> CRC {
        precondition(algorithm == next.algorithm, "checks of two polynomials cannot be joined")
        let shifted = Self.multiply(Self.power(ofBytes: next.length, algorithm), value, algorithm)
        return CRC(algorithm, value: shifted ^ next.value, length: length + next.length)
    }

    /// a·b modulo the polynomial, both reflected.
    private static func multiply(_ a: UInt64, _ b: UInt64, _ algorithm: Algorithm) -> UInt64 {
        var product: UInt64 = 0
        var b = b
        var bit: UInt64 = 1 << UInt64(algorithm.width - 1)
        while bit != 0 {
            if a & bit != 0 { product ^= b }
            b = b & 1 == 0 ? b >> 1 : b >> 1 ^ algorithm.polynomial
            bit >>= 1
        }
        return product
    }

    /// x^(8·bytes) modulo the polynomial, reflected, by repeated squaring.
    private static func power(ofBytes bytes: UInt64, _ algorithm: Algorithm) -> UInt64 {
        var result: UInt64 = 1 << UInt64(algorithm.width - 1)
        var square: UInt64 = 1 << UInt64(algorithm.width - 9)
        var count = bytes
        while count != 0 {
            if count & 1 != 0 { result = multiply(square, result, algorithm) }
            square = multiply(square, square, algorithm)
            count >>= 1
        }
        return result
    }
}

/// The bytes in base64 (RFC 4648, section 4).
public func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
        for position in 0..<4 {
            text.append(position <= group.count ? alphabet[Int(word >> UInt32(18 - 6 * position) & 63)] : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}
