import Testing

@testable import S3

@Suite struct PercentEncodingTests {
    /// A key is encoded once, byte by byte; a `%2e` in it is three characters, a plus sign is no space, slashes stay.
    @Test func keysAreEncodedOnce() {
        #expect("a b/%2e/ä+c//d~e".percentEncoded(keepingSlashes: true) == "a%20b/%252e/%C3%A4%2Bc//d~e")
        #expect("a/b=&".percentEncoded() == "a%2Fb%3D%26")
    }

    /// What was encoded for a header is ASCII without spaces and comes back as it was.
    @Test(arguments: ["", "plain", " two  spaces ", "50%", "%41", "grüße\n\u{1F600}"])
    func headerValuesComeBack(_ text: String) {
        let encoded = text.headerEncoded
        #expect(encoded.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        #expect(encoded.percentDecoded() == text)
    }

    /// S3's `encoding-type=url` writes a space as a plus sign; a header does not.
    @Test func plusIsASpaceOnlyWhereS3SaysSo() {
        #expect("a+b%2Bc".percentDecoded(plusIsSpace: true) == "a b+c")
        #expect("a+b%2Bc".percentDecoded() == "a+b+c")
    }

    /// What cannot be decoded is not guessed at.
    @Test(arguments: ["%", "%4", "%zz", "%ff"])
    func malformedTextIsRefused(_ text: String) {
        #expect(text.percentDecoded() == nil)
    }
}
