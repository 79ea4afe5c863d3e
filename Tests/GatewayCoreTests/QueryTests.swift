import ArtifactModel
import Testing

@testable import GatewayCore

/// Parameters of queries.
struct QueryTests {
    /// Values are decoded; what is left out has its default.
    @Test func isRead() throws {
        let query = try Query("search=a+b%26%C3%A4&limit=5&offset=7&kind=plot", allowing: ["search", "limit", "offset", "kind"])
        #expect(query.text("search") == "a b&ä")
        #expect(try query.limit(else: 100) == 5 && query.offset() == 7)
        #expect(try query.choice("kind", ArtifactKind.self) == .plot)
        let empty = try Query(nil, allowing: ["limit"])
        #expect(try empty.limit(else: 100) == 100 && empty.offset() == 0 && empty.text("limit") == nil)
    }

    /// Unknown parameters, repeated ones, and values out of range are refused.
    @Test(arguments: [
        "other=1", "limit=1&limit=1", "limit=%zz", "limit=0", "limit=1001", "limit=+1", "limit=", "limit=1.0", "kind=dog",
    ])
    func isRefused(text: String) {
        #expect(throws: APIError.self) {
            let query = try Query(text, allowing: ["limit", "kind"])
            _ = try query.limit(else: 1)
            _ = try query.choice("kind", ArtifactKind.self)
        }
    }

    /// Paths and URIs are encoded so that decoding gives them back.
    @Test(arguments: ["a/b c", "100%", "ä/ö", "a?b#c", "\u{1F600}", ""])
    func pathsComeBack(path: String) {
        #expect(PercentCoding.decode(PercentCoding.encodePath(path)) == path)
        #expect(PercentCoding.decode(PercentCoding.uri(path)) == path)
        #expect(PercentCoding.uri(path).utf8.allSatisfy { (0x21...0x7E).contains($0) })
    }
}
