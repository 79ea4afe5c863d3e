import Testing

@testable import Logfmt

@Suite struct LogfmtHandlerTests {
    /// Plain values stand as they are, others are quoted, and nothing in them ends the line or the value.
    @Test(arguments: [
        ("plain", "plain"), ("", "\"\""), ("two words", "\"two words\""), ("a=b", "\"a=b\""),
        ("x\nlevel=error msg=forged", "\"x\\nlevel=error msg=forged\""), ("\u{1B}[31m", "\\u{1b}[31m"),
        ("say \"hi\"", "\"say \\\"hi\\\"\""), ("back\\slash", "back\\\\slash"), ("ä", "ä"), ("\u{2028}", "\\u{2028}"),
    ])
    func quoting(text: String, expected: String) {
        let quoted = LogfmtHandler.quoted(text)
        #expect(quoted == expected)
        #expect(!quoted.utf8.contains { $0 < 0x20 })
    }

    /// A quote that was escaped already cannot be closed by a backslash before it.
    @Test func aBackslashBeforeAQuote() {
        #expect(LogfmtHandler.quoted("a\\\" level=x") == "\"a\\\\\\\" level=x\"")
    }

    /// Times as RFC 3339 writes them, leap days and times before 1970 included.
    @Test(arguments: [
        (0 as Int64, "1970-01-01T00:00:00.000Z"), (951_782_400_123, "2000-02-29T00:00:00.123Z"),
        (1_709_251_199_999, "2024-02-29T23:59:59.999Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
    ])
    func times(milliseconds: Int64, expected: String) {
        #expect(Timestamp.iso8601(milliseconds: milliseconds) == expected)
    }
}
