import ArtifactModel
import Testing

@Suite struct ObjectKeyTests {
    /// What is odd but fit for every store is kept byte for byte: spaces, percent signs, non-ASCII, dots within names.
    @Test(arguments: [
        "a", "runs/7f/artifacts/model.pt", "with space/and  two", "100%", "a%2e%2e/b", "...", ".hidden", "a/..b/c..",
        "Ünïcödé/模型.pt",
        "e\u{301}", "quote'\"\\", "#?&=+*;:@$,", "👩‍🔬.png", "-rf",
    ])
    func oddKeysAreKept(text: String) throws {
        let key = try ObjectKey(text)
        #expect(Array(key.text.utf8) == Array(text.utf8))
        #expect(key.components.joined(separator: "/") == text)
    }

    /// What cannot be a key everywhere is refused with `invalidKey` and a sentence that names it and says why.
    @Test(arguments: [
        ("", "it is empty"),
        ("/a", "an empty component"),
        ("a/", "an empty component"),
        ("a//b", "an empty component"),
        ("/", "an empty component"),
        (".", "the component '.'"),
        ("a/./b", "the component '.'"),
        ("..", "the component '..'"),
        ("../a", "the component '..'"),
        ("a/..", "the component '..'"),
        ("a\u{0}b", "the control character U+00"),
        ("a\nb", "the control character U+0A"),
        ("a\u{7F}b", "the control character U+7F"),
        ("a\u{85}b", "the control character U+85"),
    ])
    func badKeysAreRefused(text: String, why: String) throws {
        let error = try #require(throws: ArtifactError.self) { try ObjectKey(text) }
        #expect(error.code == .invalidKey)
        #expect(error.message.contains(why))
        #expect(error.message.contains("'\(text.escapedForLog)'"))
        #expect(!error.message.contains("\n"))
    }

    /// A key has at most 1,024 bytes of UTF-8, the prefix and the slash behind it included.
    @Test func lengthIsCountedInBytesWithThePrefix() throws {
        _ = try ObjectKey(String(repeating: "k", count: 1024))
        _ = try ObjectKey(String(repeating: "é", count: 512))
        _ = try ObjectKey(String(repeating: "k", count: 1020), belowPrefix: "abc")
        for (text, prefix) in [
            (String(repeating: "k", count: 1025), ""), (String(repeating: "é", count: 513), ""),
            (String(repeating: "k", count: 1021), "abc"),
        ] {
            let error = try #require(throws: ArtifactError.self) { try ObjectKey(text, belowPrefix: prefix) }
            #expect(error.code == .invalidKey)
            #expect(error.message.contains("shorten the path"))
        }
    }
}
