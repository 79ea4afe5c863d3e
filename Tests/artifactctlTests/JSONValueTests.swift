import FoundationEssentials
import Testing

@testable import artifactctl

@Suite("JSONValue")
struct JSONValueTests {
    /// What is read is written again with nothing lost: large integers, fractions, null, text of any kind, keys not known here.
    @Test func keepsEverything() throws {
        let text = #"""
            {"a":[1,-2,18446744073709551615,0.25,true,false,null],"b":{"new_key":"ü/\"\\"},"c":9007199254740993}
            """#
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(String(decoding: try encoder.encode(value), as: UTF8.self) == text)
    }
}
