import ArtifactModel
import Glibc
import LinuxSystem
import Testing

@testable import artifactctl

@Suite("Output")
struct OutputTests {
    private static let full = "artifactctl: standard output cannot be written (write: No space left on device (ENOSPC))"

    /// A standard output that cannot be written is called that, and the status is 1.
    @Test(arguments: [false, true]) func tellsThatOutputIsLost(json: Bool) throws {
        let captured = try CapturedOutput(json: json, isFull: true)
        try captured.output.line("x")
        let error = try #require(throws: StandardOutputError.self) { try captured.output.flush() }
        #expect(captured.output.explain(error) == .failed)
        #expect(try captured.complaints() == [Self.full])
    }

    /// What else went wrong is not lost with it, even where it was to be a document.
    @Test(arguments: [false, true]) func tellsFailureBesideLoss(json: Bool) throws {
        let captured = try CapturedOutput(json: json, isFull: true)
        try captured.output.line("x")
        #expect(captured.output.explain(ArtifactError(.notFound, "it is not there")) == .failed)
        #expect(try captured.complaints() == [Self.full, "artifactctl: it is not there"])
    }

    /// A reader that goes away has seen enough.
    @Test func saysNothingToReaderThatLeft() throws {
        let captured = try CapturedOutput()
        let error = StandardOutputError(cause: SystemError(call: "write", errno: EPIPE))
        #expect(captured.output.explain(error) == .failed)
        #expect(try captured.complaints().isEmpty)
    }

    /// Where standard error cannot be written either, the status still tells.
    @Test func goesOnWithoutStandardError() throws {
        let full = try System.open("/dev/full", O_WRONLY)
        let output = Output(json: false, standardOutput: full.number, standardError: full.number)
        #expect(output.explain(ArtifactError(.busy, "not now")) == .tryAgain)
    }

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
