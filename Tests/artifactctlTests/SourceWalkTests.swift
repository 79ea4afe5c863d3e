import ArtifactModel
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import artifactctl

@Suite("SourceWalk", .timeLimit(.minutes(1)))
struct SourceWalkTests {
    private let directory: TemporaryDirectory
    private let root: String

    init() throws {
        directory = try TemporaryDirectory()
        root = directory.path
    }

    private func touch(_ name: String) throws { _ = try System.open("\(root)/\(name)", O_WRONLY | O_CREAT | O_EXCL) }

    private func steps(_ walk: SourceWalk) -> [SourceWalk.Step] {
        Array(sequence(state: walk) { $0.next() })
    }

    /// The files of a directory go below the prefix, each under its path within the directory.
    @Test func entersDirectories() throws {
        try System.makeDirectories("\(root)/tree/a b/ü")
        for name in ["tree/one", "tree/a b/two%2e", "tree/a b/ü/three"] { try touch(name) }
        for path in ["\(root)/tree", "\(root)/tree/"] {
            let files = steps(SourceWalk(paths: [path], recursive: true, destination: "s3://b/p/"))
            let expected: [SourceWalk.Step] = ["one", "a b/two%2e", "a b/ü/three"].map {
                .file(.init(path: "\(root)/tree/\($0)", destination: "s3://b/p/\($0)"))
            }
            #expect(files.count == 3 && expected.allSatisfy(files.contains), "\(files)")
        }
    }

    /// Behind an empty prefix files go under their names alone.
    @Test func goesBehindEmptyPrefix() throws {
        try System.makeDirectory("\(root)/tree")
        for name in ["tree/one", "two"] { try touch(name) }
        let walk = SourceWalk(paths: ["\(root)/tree", "\(root)/two"], recursive: true, destination: "")
        let expected = [("tree/one", "one"), ("two", "two")].map {
            SourceWalk.Step.file(.init(path: "\(root)/\($0)", destination: $1))
        }
        #expect(steps(walk) == expected)
    }

    /// Within a directory a link to a file is followed, one to a directory is skipped, so that no loop is walked; a broken one, a
    /// FIFO and a name that is not UTF-8 are refused by name, and the rest goes on.
    @Test func goesOnBesideWhatItCannotTake() throws {
        try touch("plain")
        try #require(symlink("plain", "\(root)/link") == 0)
        try #require(symlink(".", "\(root)/loop") == 0)
        try #require(symlink("nowhere", "\(root)/broken") == 0)
        try #require(mkfifo("\(root)/fifo", 0o600) == 0)
        let odd = Array("\(root)/odd\u{1}".utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
        try #require(Glibc.open(odd, O_WRONLY | O_CREAT, 0o600) >= 0)
        var files: Set<String> = []
        var refused: [String: ArtifactError.Code] = [:]
        var skipped: [String] = []
        for step in steps(SourceWalk(paths: [root], recursive: true, destination: "p/")) {
            switch step {
            case .file(let candidate): files.insert(candidate.destination)
            case .refused(let path, let error):
                refused[path] = error.code
                #expect(error.message.contains(path))
            case .skipped(let path, _): skipped.append(path)
            }
        }
        #expect(files == ["p/plain", "p/link"])
        #expect(skipped == ["\(root)/loop"])
        #expect(
            refused == [
                "\(root)/broken": .sourceUnreadable, "\(root)/fifo": .invalidSource, "\(root)/odd\\x01\\xff": .invalidKey,
            ])
    }

    /// A link that is named outright is followed, to a directory too.
    @Test func followsNamedLinks() throws {
        try System.makeDirectory("\(root)/real")
        try touch("real/file")
        try #require(symlink("real", "\(root)/link") == 0)
        let walk = SourceWalk(paths: ["\(root)/link"], recursive: true, destination: "p/")
        #expect(steps(walk) == [.file(.init(path: "\(root)/link/file", destination: "p/file"))])
    }

    /// A directory without --recursive is refused by name; what stands beside it goes on.
    @Test func refusesDirectoryUnlessAsked() throws {
        try touch("file")
        let found = steps(SourceWalk(paths: [root, "\(root)/file"], recursive: false, destination: "p/"))
        guard case .refused(root, let error) = try #require(found.first) else {
            Issue.record("\(found)")
            return
        }
        #expect(error.code == .invalidSource && error.message.contains("--recursive"))
        #expect(found.dropFirst() == [.file(.init(path: "\(root)/file", destination: "p/file"))])
    }

    /// One file under a key of its own; a file that is not there is left to whoever opens it.
    @Test func usesTheKeyAsItStands() {
        let walk = SourceWalk(paths: ["/nowhere/x"], recursive: false, destination: "s3://b/key")
        #expect(steps(walk) == [.file(.init(path: "/nowhere/x", destination: "s3://b/key"))])
    }

    /// Two files of one name would be one object: the second is refused, not silently the winner.
    @Test func refusesSecondFileOfOneName() {
        let found = steps(SourceWalk(paths: ["a/x", "b/x", "c/x"], recursive: false, destination: "p/"))
        #expect(found.first == .file(.init(path: "a/x", destination: "p/x")))
        for (step, path) in zip(found.dropFirst(), ["b/x", "c/x"]) {
            guard case .refused(path, let error) = step else {
                Issue.record("\(step)")
                continue
            }
            #expect(error.code == .conflict && error.message.contains("'a/x'"))
        }
    }

    /// A path of the command line that is not UTF-8 is refused under the name that a person can find it by.
    @Test func refusesPathThatIsNotUTF8() {
        let walk = SourceWalk(
            paths: ["bad\u{FFFD}", "good"], recursive: false, destination: "p/", notUTF8: ["bad\u{FFFD}": "bad\\xff"])
        let found = steps(walk)
        guard case .refused("bad\\xff", let error)? = found.first else {
            Issue.record("\(found)")
            return
        }
        #expect(error.code == .invalidKey && error.message.contains("rename"))
        #expect(found.count == 2)
    }
}
