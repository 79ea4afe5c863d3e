import Testing

@testable import GatewayCore

/// `Range` headers.
struct ByteRangeTests {
    /// One range is honoured, whatever its form; what cannot be is told from what may be ignored (RFC 9110, section 14.2).
    @Test(arguments: [
        ("bytes=0-0", 10, ByteRange.part(0..<1)), ("bytes=2-5", 10, .part(2..<6)), ("bytes=5-", 10, .part(5..<10)),
        ("bytes=-3", 10, .part(7..<10)),
        ("bytes=-30", 10, .part(0..<10)), ("bytes=5-100", 10, .part(5..<10)), ("bytes=10-", 10, .unsatisfiable),
        ("bytes=-0", 10, .unsatisfiable),
        ("bytes=0-", 0, .unsatisfiable), ("bytes=5-2", 10, .whole), ("bytes=0-1,3-4", 10, .whole), ("items=0-1", 10, .whole),
        ("bytes=", 10, .whole), ("bytes=-", 10, .whole), ("bytes=a-b", 10, .whole),
        ("bytes=1-18446744073709551615", 10, .part(1..<10)),
        ("bytes=1-99999999999999999999", 10, .part(1..<10)), ("bytes=99999999999999999999-", 10, .unsatisfiable),
        ("bytes=-99999999999999999999", 10, .part(0..<10)),
    ])
    func isRead(header: String, size: UInt64, range: ByteRange) {
        #expect(ByteRange(header, size: size) == range)
    }

    /// Without a header it is the whole.
    @Test func wholeByDefault() { #expect(ByteRange(nil, size: 3) == .whole) }
}
