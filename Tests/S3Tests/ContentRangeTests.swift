import Testing

@testable import S3

/// `Content-Range` headers.
struct ContentRangeTests {
    /// One range of bytes within a known size is read.
    @Test(
        arguments: [("bytes 0-0/1", 0..<1, 1), ("bytes 3-9/10", 3..<10, 10), ("Bytes 0-4/100", 0..<5, 100)]
            as [(String, Range<UInt64>, UInt64)])
    func isRead(header: String, bytes: Range<UInt64>, size: UInt64) throws {
        let range = try #require(ContentRange(header))
        #expect(range.bytes == bytes && range.size == size)
    }

    /// Whatever else a server writes is not taken for one.
    @Test(arguments: [
        "", "bytes", "bytes */10", "bytes 0-4/*", "bytes 4-3/10", "bytes 0-10/10", "items 0-1/2", "bytes 0-1", "bytes a-b/c",
        "bytes 0-18446744073709551615/18446744073709551615", "bytes 0-1/2 x", "bytes -1-2/3",
    ])
    func isRefused(header: String) { #expect(ContentRange(header) == nil) }
}
