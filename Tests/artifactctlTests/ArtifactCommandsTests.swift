import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

@Suite("Artifact commands", .timeLimit(.minutes(1)))
struct ArtifactCommandsTests {
    private let place: TemporaryDirectory
    private let root: String

    init() throws {
        place = try TemporaryDirectory()
        root = place.path
    }

    private func run(
        _ arguments: [String], answer: @escaping @Sendable (Message) throws -> Message? = { _ in nil }
    ) throws -> RegistryRun {
        try RegistryRun(["artifacts"] + arguments, at: place, answer: answer)
    }

    private static func artifact(_ path: String, _ state: JobState = .stored, _ error: ArtifactError? = nil) -> ArtifactRecord {
        ArtifactRecord(
            path: path, uri: "s3://bucket/e/runs/r7/artifacts/\(path)", size: 11, kind: ArtifactKind(path: path),
            contentType: ArtifactKind.contentType(path: path), state: state,
            checksum: state == .stored ? "crc32c:AAAAAA==" : nil, updatedAt: 5, job: JobID(high: 0, low: 1), error: error)
    }

    // MARK: list

    /// Over all pages, a line or a document each; only of the kind that is asked for.
    @Test(arguments: [false, true]) func lists(json: Bool) throws {
        let run = try run(["r7", "--kind", "model"] + (json ? ["--json"] : [])) { message in
            guard case .listArtifacts(let list) = message else { return nil }
            guard list.after == nil else {
                let failure = ArtifactError(.sourceLost, "it is gone")
                var artifact = Self.artifact("b\u{1B}.pt", .failed, failure)
                artifact.size = nil
                return .artifacts(Artifacts(artifacts: [artifact]))
            }
            return .artifacts(Artifacts(artifacts: [Self.artifact(#"a\ b.pt"#)], next: "next"))
        }
        #expect(run.status == .done)
        #expect(
            run.requests == [
                .getRun(GetRun(runID: "r7")), .listArtifacts(ListArtifacts(runID: "r7", kind: .model)),
                .listArtifacts(ListArtifacts(runID: "r7", kind: .model, after: "next")),
            ])
        let documents = [
            """
            {"checksum":"crc32c:AAAAAA==","content_type":"application/octet-stream","job":"\(JobID(high: 0, low: 1))",\
            "kind":"model","path":"a\\\\ b.pt","size":11,"state":"stored","updated_at":5,\
            "uri":"s3://bucket/e/runs/r7/artifacts/a\\\\ b.pt"}
            """,
            """
            {"content_type":"application/octet-stream","error":{"code":"source_lost","message":"it is gone"},\
            "job":"\(JobID(high: 0, low: 1))","kind":"model","path":"b\\u001b.pt","state":"failed","updated_at":5,\
            "uri":"s3://bucket/e/runs/r7/artifacts/b\\u001b.pt"}
            """,
        ]
        let table = [
            #"stored         11 B  model          application/octet-stream  crc32c:AAAAAA==  a\ b.pt"#,
            #"failed            -  model          application/octet-stream  -                b\u{1b}.pt  (source_lost: it is gone)"#,
        ]
        #expect(run.lines == (json ? documents : table))
    }

    /// --prefix is the beginning of a path, whole components or not: the daemon is asked for the directory.
    @Test(
        arguments: [
            ("", nil, ["a", "m", "m/1", "m/2/x", "ma"]), ("m", nil, ["m", "m/1", "m/2/x", "ma"]), ("m/", "m", ["m/1", "m/2/x"]),
            ("m/2", "m", ["m/2/x"]), ("m/2/x", "m/2", ["m/2/x"]), ("z", nil, []),
        ] as [(String, String?, [String])])
    func listsBeginnings(_ prefix: String, _ directory: String?, _ expected: [String]) throws {
        let run = try run(["r7", "--prefix", prefix]) { message in
            guard case .listArtifacts(let list) = message else { return nil }
            let below = ["a", "m", "m/1", "m/2/x", "ma"].filter { path in
                list.path.map { path == $0 || path.hasPrefix($0 + "/") } ?? true
            }
            return .artifacts(Artifacts(artifacts: below.map { Self.artifact($0) }))
        }
        #expect(run.lines.compactMap { $0.split(separator: " ").last.map(String.init) } == expected)
        #expect(run.requests.last == .listArtifacts(ListArtifacts(runID: "r7", path: directory)))
    }

    /// What no path begins with is refused without asking: an empty list would look like an answer.
    @Test(arguments: ["/", "../", "a//", "./x"]) func refusesWhatNoPathBeginsWith(_ prefix: String) throws {
        let command = try #require(
            try ArtifactCtl.parseAsRoot(["--socket", "\(root)/none", "artifacts", "r7", "--prefix", prefix])
                as? any ControlCommand)
        let error = try #require(throws: ArtifactError.self) { try command.run(try CapturedOutput().output) }
        #expect(error.code == .invalidKey)
    }

    /// A list that may lack what other nodes have stored is shown, and does not pass for the whole.
    @Test func tellsThatListIsIncomplete() throws {
        let run = try run(["r7"]) { message in
            guard case .listArtifacts = message else { return nil }
            return .artifacts(
                Artifacts(artifacts: [Self.artifact("a")], incomplete: ArtifactError(.storeUnavailable, "the store is away")))
        }
        #expect(run.status == .tryAgain && run.lines.count == 1 && run.complaints == ["artifactctl: the store is away"])
    }

    // MARK: put

    private func put(_ arguments: [String]) throws -> RegistryRun {
        try System.makeDirectories("\(root)/in/deep")
        for name in ["in/a.pt", "in/deep/b.txt"] { _ = try System.open("\(root)/\(name)", O_WRONLY | O_CREAT) }
        return try run(["put", "r7"] + arguments) { message in
            guard case .put(let put) = message else { return nil }
            guard case .artifact(let place) = put.target, put.source == .descriptor, place.path != "refused" else {
                return RegistryRun.refusal(.conflict, "run 'r7' has ended")
            }
            return .accepted(
                Accepted(
                    id: JobID(high: 0, low: 1), level: .accepted, pin: .inline, size: 0, isDuplicate: false,
                    destination: "s3://bucket/\(place.path)"))
        }
    }

    private static func places(_ run: RegistryRun) -> Set<String> {
        var paths: Set<String> = []
        for case .put(let put) in run.requests {
            if case .artifact(let place) = put.target, place.runID == "r7", place.member == nil { paths.insert(place.path) }
        }
        return paths
    }

    /// Files go under their names, below a directory of the run, or to a path; with --recursive a directory's content does.
    @Test(
        arguments: [
            (["in/a.pt", "in/deep/b.txt"], ["a.pt", "b.txt"]), (["in/a.pt", "--to", "models/"], ["models/a.pt"]),
            (["in/a.pt", "--to", "models/best.pt"], ["models/best.pt"]), (["-r", "in"], ["a.pt", "deep/b.txt"]),
            (["in", "--recursive", "--to", "x/y/"], ["x/y/a.pt", "x/y/deep/b.txt"]),
        ])
    func puts(_ arguments: [String], _ expected: [String]) throws {
        let run = try put(arguments.map { $0.hasPrefix("in") ? "\(root)/\($0)" : $0 })
        #expect(run.status == .done && run.complaints.isEmpty)
        #expect(Self.places(run) == Set(expected))
        #expect(Set(run.lines) == Set(expected.map { "\(JobID(high: 0, low: 1))  accepted/accepted  s3://bucket/\($0)" }))
        #expect(run.requests.first == .getRun(GetRun(runID: "r7")))
    }

    /// How files are handed over can be chosen as with `put`.
    @Test func takesOptionsOfPut() throws {
        let options = ["--compression", "zstd", "--ack", "durable", "--on-change", "restart", "--idempotency-key", "k"]
        let run = try put(["\(root)/in/a.pt"] + options)
        let expected = Put(
            target: .artifact(ArtifactPlace(runID: "r7", path: "a.pt")), source: .descriptor, label: "\(root)/in/a.pt",
            compression: .zstd, level: .durable, idempotencyKey: Array("k".utf8), changePolicy: .restart)
        #expect(run.requests.last == .put(expected))
    }

    /// Directories that do not fit are wrong usage.
    @Test(arguments: [["--to", "one"], ["--idempotency-key", "k"]]) func refusesDirectory(_ options: [String]) throws {
        try System.makeDirectory("\(root)/in")
        let arguments = ["--socket", "\(root)/none", "artifacts", "put", "r7", "-r", "\(root)/in"] + options
        let command = try #require(try ArtifactCtl.parseAsRoot(arguments) as? any ControlCommand)
        let error = try #require(throws: (any Error).self) { try command.run(try CapturedOutput().output) }
        #expect(ArtifactCtl.exitCode(for: error) == .validationFailure)
    }

    /// What the daemon refuses is named, and the status is 1.
    @Test func tellsWhatIsRefused() throws {
        let run = try put(["\(root)/in/a.pt", "--to", "refused"])
        #expect(run.status == .failed)
        #expect(
            run.complaints == ["artifactctl: '\(root)/in/a.pt': run 'r7' has ended", "artifactctl: 1 file failed"])
    }

    // MARK: get

    private func get(_ listed: Artifacts) throws -> CommandRun {
        try CommandRun(["artifacts", "get", "r7", "m/a.pt", "-o", "\(root)/out"], at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                switch request.message {
                case .getRun: try peer.answer(request, .run(RegistryRun.run()))
                case .listArtifacts(ListArtifacts(runID: "r7", path: "m/a.pt", limit: 1)):
                    try peer.answer(request, .artifacts(listed))
                case .get(let get) where get.uri == "s3://bucket/e/runs/r7/artifacts/m/a.pt":
                    let file = try #require(request.descriptors.first)
                    try Array("new content".utf8).withUnsafeBytes { try System.write($0, to: file.number) }
                    try peer.answer(request, .got(Got(size: 11, encoding: .identity, contentType: "text/plain")))
                default: throw ScriptedDaemon.Failure("\(request.message)")
                }
            }
        }
    }

    /// An artifact is read from where it lies.
    @Test func gets() throws {
        let run = try get(Artifacts(artifacts: [Self.artifact("m/a.pt")]))
        #expect(run.status == .done && run.lines == ["\(root)/out  11 B"])
    }

    /// One that is on its way is not read, as an older one may lie there; that it comes is told by the status.
    @Test(arguments: [(JobState.uploading, artifactctl.ExitStatus.tryAgain), (.failed, .failed)])
    func getsNothingOlder(_ state: JobState, _ status: artifactctl.ExitStatus) throws {
        let run = try get(Artifacts(artifacts: [Self.artifact("m/a.pt", state)]))
        #expect(run.status == status && run.lines.isEmpty && run.complaints.count == 1)
        #expect(run.complaints.first?.contains("'m/a.pt' is not stored") == true)
    }

    /// A directory is no artifact, and neither is nothing; where the list is incomplete the reason for that is told instead.
    @Test(
        arguments: [
            (Artifacts(artifacts: [Self.artifact("m/a.pt/deep")]), "run 'r7' has no artifact 'm/a.pt'"),
            (Artifacts(artifacts: []), "run 'r7' has no artifact 'm/a.pt'"),
            (Artifacts(artifacts: [], incomplete: ArtifactError(.storeUnavailable, "it is away")), "it is away"),
        ])
    func saysThatNothingIsThere(_ listed: Artifacts, _ reason: String) throws {
        let run = try get(listed)
        #expect(run.status == (listed.incomplete == nil ? .failed : .tryAgain))
        #expect(run.complaints.first?.hasPrefix("artifactctl: \(reason)") == true)
    }

    // MARK: rm

    /// An artifact, all below a path, or all of the run's; a bare slash does not become all.
    @Test(
        arguments: [
            (["m/a.pt"], "m/a.pt", false), (["m", "-r"], "m", true), (["m/", "--recursive"], "m", true), (["--all"], "", true),
            (["/", "-r"], "/", true), (["m/"], "m/", false),
        ])
    func removes(_ arguments: [String], _ path: String, _ isRecursive: Bool) throws {
        let run = try run(["rm", "r7"] + arguments) { message in
            guard case .deleteArtifacts = message else { return nil }
            return .artifactsDeleted(ArtifactsDeleted(count: 3))
        }
        #expect(run.requests.last == .deleteArtifacts(DeleteArtifacts(runID: "r7", path: path, isRecursive: isRecursive)))
        #expect(run.status == .done && run.lines == ["removed 3 artifacts"])
    }

    /// Scripts hear how many are gone.
    @Test func countsWhatItRemoved() throws {
        let run = try run(["rm", "r7", "a", "--json"]) { message in
            guard case .deleteArtifacts = message else { return nil }
            return .artifactsDeleted(ArtifactsDeleted(count: 1))
        }
        #expect(run.lines == [#"{"count":1}"#])
    }

    /// An empty path, as an unset variable makes it, removes nothing.
    @Test func removesNothingByMistake() throws {
        let error = try #require(throws: (any Error).self) {
            _ = try ArtifactCtl.parseAsRoot(["artifacts", "rm", "r7", "", "--recursive"])
        }
        #expect(ArtifactCtl.exitCode(for: error) == .validationFailure)
        #expect(ArtifactCtl.fullMessage(for: error).contains("the path is empty"))
    }
}
