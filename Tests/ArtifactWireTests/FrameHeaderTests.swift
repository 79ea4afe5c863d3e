import ArtifactModel
import ArtifactWire
import Testing

@Suite struct FrameHeaderTests {
    private static let status: [UInt8] = [16, 0, 0, 0, 0x30, 0, 0, 1, 0xFF, 0, 0, 0, 0, 0, 0, 0x80]

    /// With fewer than sixteen bytes there is nothing to say yet, whatever they are.
    @Test(arguments: 0...15)
    func waitsForSixteenBytes(count: Int) throws {
        #expect(try FrameHeader.decode(Self.status.prefix(count)) == nil)
        #expect(try FrameHeader.decode([UInt8](repeating: 0xFF, count: count)[...]) == nil)
    }

    /// The header is read from the first sixteen bytes, little-endian; what follows is left alone.
    @Test func readsTheFirstSixteenBytes() throws {
        let expected = FrameHeader(length: 16, type: 0x30, descriptorCount: 1, requestID: 0x8000_0000_0000_00FF)
        #expect(try FrameHeader.decode(Self.status[...]) == expected)
        #expect(try FrameHeader.decode((Self.status + [1, 2, 3])[...]) == expected)
    }

    /// A buffer's slice is read from where it begins, not from the buffer's start.
    @Test func readsASliceFromItsOwnStart() throws {
        let buffer = [9, 9, 9] + Self.status
        #expect(try FrameHeader.decode(buffer[3...])?.type == 0x30)
    }

    /// A frame may be as short as its header and as long as 1 MiB.
    @Test(arguments: [UInt32(16), 17, 1 << 20])
    func takesLengthsWithinTheLimits(length: UInt32) throws {
        #expect(try FrameHeader.decode(Self.header(length: length)[...])?.length == length)
    }

    /// A length over 1 MiB is refused on the header alone: nobody needs room for the payload to find out.
    @Test(arguments: [UInt32(1 << 20) + 1, 1 << 24, 1 << 31, .max])
    func refusesLongFramesByTheHeaderAlone(length: UInt32) throws {
        let error = try #require(throws: ArtifactError.self) { try FrameHeader.decode(Self.header(length: length)[...]) }
        #expect(error.code == .frameTooLarge)
    }

    /// A length that does not even cover the header is malformed.
    @Test(arguments: UInt32(0)..<16)
    func refusesLengthsBelowTheHeader(length: UInt32) throws {
        let error = try #require(throws: ArtifactError.self) { try FrameHeader.decode(Self.header(length: length)[...]) }
        #expect(error.code == .malformedFrame)
    }

    /// Version 1 defines no flag: each of them is refused.
    @Test(arguments: UInt8(1)...255)
    func refusesFlags(flags: UInt8) throws {
        let error = try #require(throws: ArtifactError.self) {
            try FrameHeader.decode(Self.header(length: 16, flags: flags)[...])
        }
        #expect(error.code == .malformedFrame)
    }

    private static func header(length: UInt32, flags: UInt8 = 0) -> [UInt8] {
        let lengthBytes = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        return lengthBytes + [0x10, 0, flags, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    }
}
