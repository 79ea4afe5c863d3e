import ArtifactClient
import ArtifactModel
import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite("SourceFile", .timeLimit(.minutes(1)))
struct SourceFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func refusal(of path: String) throws -> ArtifactError {
        try #require(throws: ArtifactError.self) {
            let file = try SourceFile.open(path)
            Issue.record("opened with \(file.size) bytes")
        }
    }

    /// A regular file opens, an empty one and one behind a symbolic link too.
    @Test func opensRegularFiles() throws {
        let path = "\(directory.path)/ä file"
        let file = try System.open(path, O_WRONLY | O_CREAT)
        #expect(try SourceFile.open(path).size == 0)
        try System.truncate(file.number, to: 12_345)
        #expect(symlink(path, "\(directory.path)/link") == 0)
        let source = try SourceFile.open("\(directory.path)/link")
        #expect(source.size == 12_345)
        #expect(try System.accessMode(of: source.descriptor.number) == .readOnly)
    }

    /// What is not a regular file is refused at once, by its kind; a FIFO without a writer does not block.
    @Test func refusesOtherKinds() throws {
        let fifo = "\(directory.path)/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        _ = try UnixListener.bind(path: "\(directory.path)/socket")
        for (path, word) in [
            (fifo, "FIFO"), (directory.path, "directory"), ("/dev/null", "character device"),
            ("\(directory.path)/socket", "socket"),
        ] {
            let error = try refusal(of: path)
            #expect(error.code == .invalidSource)
            #expect(error.message.contains("'\(path)'") && error.message.contains(word), "\(error)")
        }
    }

    /// A file that is not there is named; control characters in its name reach no terminal.
    @Test func namesWhatIsMissing() throws {
        let error = try refusal(of: "\(directory.path)/a\u{1B}[2Jb")
        #expect(error.code == .invalidSource)
        #expect(error.message.contains("a\\u{1b}[2Jb") && !error.description.contains("\u{1B}"))
    }

    /// A file that may not be read is told apart from one that is not there.
    @Test(.enabled(if: System.effectiveUserID() != 0, "root may read everything"))
    func namesWhatMayNotBeRead() throws {
        _ = try System.open("\(directory.path)/secret", O_WRONLY | O_CREAT, mode: 0)
        #expect(try refusal(of: "\(directory.path)/secret").code == .sourceUnreadable)
    }
}
