import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

/// `ls`, `rm` and `get`.
@Suite("Object commands", .timeLimit(.minutes(1)))
struct ObjectCommandsTests {
    private let place: TemporaryDirectory
    private let root: String

    init() throws {
        place = try TemporaryDirectory()
        root = place.path
    }

    // MARK: ls

    private func list(_ prefix: String) throws -> CommandRun {
        try CommandRun(["ls", "--", prefix], at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                let entry = Objects.Entry(uri: #"s3://bucket/a\b c"#, size: 1, modifiedAt: 0, etag: "")
                try peer.answer(request, .objects(Objects(entries: [entry])))
            }
        }
    }

    /// What no key begins with is refused: an empty list would look like an answer.
    @Test(arguments: ["../", "/", "./", "a//", "a/../b", "s3://bucket/../", "s3://bucket//"])
    func refusesWhatNoKeyBeginsWith(_ prefix: String) throws {
        let run = try list(prefix)
        #expect(run.status == .failed && run.lines.isEmpty)
        #expect(run.complaints.first?.contains("no object's key begins with") == true)
    }

    /// Beginnings of keys are asked for, whole components or not; and a URI is printed as it is to be typed.
    @Test(arguments: ["", ".", "..", "a/..", "a/", "a", "s3://bucket/a/", "s3://bucket", "s3://elsewhere/../"])
    func listsBeginnings(_ prefix: String) throws {
        let run = try list(prefix)
        #expect(run.status == .done)
        #expect(run.lines == [#"     1 B  1970-01-01T00:00:00Z  s3://bucket/a\b c"#])
    }

    // MARK: rm

    /// An object is called by its full URI, however it was named.
    @Test(arguments: [#"a\b"#, #"s3://bucket/a\b"#], [false, true]) func namesWhatItRemoves(_ uri: String, json: Bool) throws {
        let run = try CommandRun(["rm", uri] + (json ? ["--json"] : []), at: place) { peer in
            try peer.greet()
            try peer.answer(try peer.expect(), .deleted)
        }
        #expect(run.lines == [json ? #"{"deleted":"s3://bucket/a\\b"}"# : #"removed s3://bucket/a\b"#])
    }

    /// An object that is not there is named, and the status is 1.
    @Test func saysThatNothingWasThere() throws {
        let run = try CommandRun(["rm", "x"], at: place) { peer in
            try peer.greet()
            let refusal = ArtifactError(.notFound, "there is no object 's3://bucket/x'")
            try peer.answer(try peer.expect(), .error(ErrorMessage(refusal)))
        }
        #expect(run.status == .failed && run.complaints == ["artifactctl: there is no object 's3://bucket/x'"])
    }

    // MARK: get

    private static let content = "new content"

    /// Writes the content, or, for `fails`, a part of it and an error.
    private static func give(_ peer: Peer, fails: Bool = false) throws {
        try peer.greet()
        guard let request = try peer.next() else { return }
        guard case .get = request.message, let file = request.descriptors.first else {
            throw ScriptedDaemon.Failure("\(request.message)")
        }
        try write(fails ? "new" : content, to: file.number)
        let failure = ErrorMessage(ArtifactError(.corruptObject, "it does not decode"))
        try peer.answer(
            request, fails ? .error(failure) : .got(Got(size: 11, encoding: .identity, contentType: "text/plain")))
    }

    private static func write(_ text: String, to file: Int32) throws {
        try Array(text.utf8).withUnsafeBytes { try System.write($0, to: file) }
    }

    private func get(to output: String, fails: Bool = false) throws -> CommandRun {
        try CommandRun(["get", "runs/model.pt", "--output", output], at: place) { try Self.give($0, fails: fails) }
    }

    private func make(_ path: String, _ text: String) throws {
        let file = try System.open("\(root)/\(path)", O_WRONLY | O_CREAT | O_EXCL)
        try Self.write(text, to: file.number)
    }

    private func text(_ path: String) throws -> String {
        let file = try System.open("\(root)/\(path)", O_RDONLY)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
        defer { buffer.deallocate() }
        let count = try System.read(file.number, into: buffer, at: 0)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func names(_ directory: String) throws -> Set<String> {
        var listing = try DirectoryListing("\(root)/\(directory)", followLink: false)
        var names: Set<String> = []
        while let entry = try listing.next() { names.insert(try #require(entry.text)) }
        return names
    }

    /// A new file appears, an old one is replaced, and nothing else is left beside it.
    @Test(arguments: [false, true]) func writesFile(replaces: Bool) throws {
        try System.makeDirectory("\(root)/out")
        if replaces { try make("out/file", "old") }
        let run = try get(to: "\(root)/out/file")
        #expect(run.status == .done && run.lines == ["\(root)/out/file  11 B"])
        #expect(try text("out/file") == Self.content && names("out") == ["file"])
    }

    /// A download that fails leaves the old file as it was, or none, and no part of itself.
    @Test(arguments: [false, true]) func leavesNothingOfFailure(replaces: Bool) throws {
        try System.makeDirectory("\(root)/out")
        if replaces { try make("out/file", "old") }
        let run = try get(to: "\(root)/out/file", fails: true)
        #expect(run.status == .failed && run.complaints == ["artifactctl: it does not decode"])
        #expect(try names("out") == (replaces ? ["file"] : []))
        if replaces { #expect(try text("out/file") == "old") }
    }

    /// Into a directory goes a file of the object's name.
    @Test(arguments: ["", "/"]) func writesIntoDirectory(slash: String) throws {
        try System.makeDirectory("\(root)/out")
        let run = try get(to: "\(root)/out\(slash)")
        #expect(run.lines == ["\(root)/out/model.pt  11 B"])
        #expect(try text("out/model.pt") == Self.content && names("out") == ["model.pt"])
    }

    /// A link stays a link: what it links to is replaced.
    @Test func followsLink() throws {
        try System.makeDirectory("\(root)/out")
        try make("out/file", "old")
        try #require(symlink("out/file", "\(root)/link") == 0)
        #expect(try get(to: "\(root)/link").status == .done)
        #expect(try text("out/file") == Self.content && System.status(of: "\(root)/link").kind == .symbolicLink)
    }

    /// Where no file can be, that is said before anything is asked for, with the path and the way out.
    @Test(
        arguments: [
            ("none/file", "make it first"), ("none/", "make it first"), ("plain/file", "make it first"),
            ("dangling", "symbolic link to nothing"), ("fifo", "leave --output out"),
            ("taken", "'taken/model.pt' is a directory"),
        ])
    func refuses(_ output: String, _ reason: String) throws {
        try make("plain", "old")
        try #require(symlink("nowhere", "\(root)/dangling") == 0)
        try #require(mkfifo("\(root)/fifo", 0o600) == 0)
        try System.makeDirectories("\(root)/taken/model.pt")
        let before = try names(".")
        let run = try get(to: "\(root)/\(output)")
        #expect(run.status == .failed)
        let complaint = try #require(run.complaints.first)
        #expect(complaint.contains("\(root)/\(output)"))
        #expect(complaint.replacing("'\(root)/", with: "'").contains(reason), "\(complaint)")
        #expect(try names(".").subtracting(["socket"]) == before)
    }

    /// With --json the object's full URI and the path that was written stand there.
    @Test func describesWhatItGot() throws {
        let output = "\(root)/file"
        let run = try CommandRun(["get", "runs/model.pt", "--json", "-o", output], at: place) { try Self.give($0) }
        let document = """
            {"content_type":"text/plain","encoding":"identity","path":"\(output)","size":11,"uri":"s3://bucket/runs/model.pt"}
            """
        #expect(run.lines == [document])
    }

    /// The program writes the bytes, and nothing else, to a standard output that is a pipe, with `-` or with no --output.
    @Test(arguments: [["--output", "-"], []]) func writesToPipe(option: [String]) throws {
        let socket = "\(root)/socket"
        let daemon = try ScriptedDaemon(at: socket) { try Self.give($0) }
        let outcome = try ChildProcess.run([try Self.program(), "get", "x", "--socket", socket] + option)
        #expect(outcome.status == 0 && outcome.output == Self.content)
        try daemon.finish()
    }

    /// The program, which is built beside the tests.
    private static func program() throws -> String {
        let tests = try #require(realpath("/proc/self/exe", nil))
        defer { free(tests) }
        return String(cString: tests).split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/artifactctl"
    }
}
