import Testing

@testable import artifactctl

@Suite("Output")
struct OutputTests {
    /// A complaint names its input once, whether the message does or not, and even where the name is a part of other words.
    @Test(
        arguments: [
            ("a", "run 'r7' has ended", "'a': run 'r7' has ended"), ("a", "'a' is not there", "'a' is not there"),
            ("a\n", #"'a\n' is not there"#, #"'a\n' is not there"#),
            (#"a\xff"#, #"'a\xff' is not UTF-8"#, #"'a\xff' is not UTF-8"#),
            (#"a\b"#, "it is refused", #"'a\\b': it is refused"#),
        ])
    func namesInputOnce(_ path: String, _ message: String, _ expected: String) throws {
        let captured = try CapturedOutput()
        try captured.output.complain("conflict", message, path: path)
        #expect(try captured.complaints() == ["artifactctl: \(expected)"])
    }
}
