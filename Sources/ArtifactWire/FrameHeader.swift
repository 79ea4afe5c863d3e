public import ArtifactModel

/// The sixteen bytes at the head of every frame, little-endian:
///
///     0  length       u32  of the whole frame, these sixteen bytes included
///     4  type         u16  what the frame says (`MessageType`)
///     6  flags        u8   none defined; must be zero
///     7  descriptors  u8   how many descriptors travel with the frame
///     8  request id   u64  chosen by the client; the answer repeats it
public struct FrameHeader: Sendable, Equatable {
    /// The header's own size in bytes.
    public static let size = 16
    /// The longest frame, header included, in bytes.
    public static let maximumFrameLength = 1 << 20

    /// The length of the whole frame in bytes.
    public var length: UInt32
    /// The number of the message type, known or not.
    public var type: UInt16
    /// How many descriptors travel with the frame.
    public var descriptorCount: UInt8
    /// The request that the frame belongs to; 0 for an error that concerns the whole connection.
    public var requestID: UInt64

    /// Whether its type is one of the daemon's answers, known or not: they have bit 15.
    public var isAnswer: Bool { type & 0x8000 != 0 }

    public init(length: UInt32, type: UInt16, descriptorCount: UInt8, requestID: UInt64) {
        self.length = length
        self.type = type
        self.descriptorCount = descriptorCount
        self.requestID = requestID
    }

    /// The header at the head of `bytes`; nil while there are fewer than sixteen of them.
    ///
    /// Checks the length before anybody allocates for it.
    /// - Throws: `frameTooLarge` or `malformedFrame`; the connection must then end.
    public static func decode(_ bytes: ArraySlice<UInt8>) throws(ArtifactError) -> FrameHeader? {
        guard bytes.count >= size else { return nil }
        var reader = LittleEndianReader(bytes.prefix(size))
        let length: UInt32 = reader.integer()
        let type: UInt16 = reader.integer()
        let flags: UInt8 = reader.integer()
        let descriptorCount: UInt8 = reader.integer()
        let requestID: UInt64 = reader.integer()
        guard length <= maximumFrameLength else {
            throw ArtifactError(
                .frameTooLarge,
                "a frame of \(length) bytes was announced, the protocol allows \(maximumFrameLength); "
                    + "send larger payloads as a descriptor")
        }
        guard length >= size else {
            throw ArtifactError(.malformedFrame, "a frame of \(length) bytes was announced, but its header alone has \(size)")
        }
        guard flags == 0 else {
            throw ArtifactError(.malformedFrame, "the frame's flags are \(flags); version 1 defines none")
        }
        return FrameHeader(length: length, type: type, descriptorCount: descriptorCount, requestID: requestID)
    }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(littleEndian: length)
        bytes.append(littleEndian: type)
        bytes.append(0)
        bytes.append(descriptorCount)
        bytes.append(littleEndian: requestID)
    }
}

/// Integers out of bytes that are known to be enough of them.
///
/// Of one type of bytes only: every frame is read with it, and code for any collection was a quarter of what a connection's thread
/// did for a hand-over.
struct LittleEndianReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>() -> Value {
        let size = Value.bitWidth / 8
        let value = rest.prefix(size).reversed().reduce(0 as Value) { $0 << 8 | Value($1) }
        rest = rest.dropFirst(size)
        return value
    }
}

extension [UInt8] {
    mutating func append<Value: FixedWidthInteger & UnsignedInteger>(littleEndian value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
