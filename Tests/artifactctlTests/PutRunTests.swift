import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

extension Put {
    /// Where `artifactctl put` hands over to; empty for a run, which it never names.
    fileprivate var destination: String {
        guard case .destination(let destination) = target else { return "" }
        return destination
    }
}

@Suite("PutRun", .timeLimit(.minutes(1)))
struct PutRunTests {
    private let directory: TemporaryDirectory
    private let root: String

    init() throws {
        directory = try TemporaryDirectory()
        root = directory.path
        try System.makeDirectory("\(root)/in")
    }

    private func touch(_ names: [String]) throws {
        for name in names { _ = try System.open("\(root)/in/\(name)", O_WRONLY | O_CREAT | O_EXCL) }
    }

    private func put(
        _ output: Output, _ paths: [String], busyTimeout: Duration = .zero, awaitsStored: Bool = false
    ) throws -> artifactctl.ExitStatus {
        let client = try Client.connect(socket: "\(root)/socket", environment: [:], clientName: "tests")
        let walk = SourceWalk(paths: paths, recursive: true, destination: "p/")
        let run = try PutRun(client, output, walk: walk, patience: Patience(busyTimeout), awaitsStored: awaitsStored) {
            Put(destination: $0, source: .descriptor, compression: .zstd, changePolicy: .restart)
        }
        return try run.run()
    }

    private func daemon(_ script: @escaping @Sendable (Peer) throws -> Void) throws -> ScriptedDaemon {
        try ScriptedDaemon(at: "\(root)/socket") { peer in
            try peer.greet()
            try script(peer)
        }
    }

    private static func id(_ number: UInt64) -> JobID { JobID(high: 0, low: number) }

    private static func accept(_ request: Peer.Request, _ peer: Peer) throws {
        guard case .put(let put) = request.message, put.source == .descriptor, request.descriptors.count == 1 else {
            throw ScriptedDaemon.Failure("not a put: \(request.message)")
        }
        let accepted = Accepted(
            id: id(request.id), level: .accepted, pin: .link, size: 0, isDuplicate: false,
            destination: "s3://b/\(put.destination)")
        try peer.answer(request, .accepted(accepted))
    }

    private static func record(_ id: JobID, _ state: JobState, _ error: ArtifactError? = nil) -> JobRecord {
        JobRecord(
            id: id, sequence: Int64(id.low), uid: 0, tenant: "acme", destination: "s3://b/\(id.low)", label: "", size: 0,
            state: state, level: state == .stored ? .stored : .accepted, pin: .link, compression: .none, kind: .other,
            contentType: "text/plain", acceptedAt: 0, updatedAt: 0, error: error)
    }

    /// Each file is handed over with what was asked for and its absolute path, and has its line with the job's id.
    @Test func tellsOfEachFile() throws {
        try touch(["a", "b"])
        let path = "\(root)/in/b"
        let daemon = try daemon { peer in
            while let request = try peer.next() {
                guard case .put(let put) = request.message, put.compression == .zstd, put.changePolicy == .restart,
                    put.label.hasPrefix("/"), put.label.hasSuffix("/in/\(put.destination.dropFirst(2))")
                else { throw ScriptedDaemon.Failure("wrong request: \(request.message)") }
                try Self.accept(request, peer)
            }
        }
        let captured = try CapturedOutput()
        #expect(try put(captured.output, ["\(root)/in/a", path]) == .done)
        #expect(
            try captured.lines() == [
                "\(Self.id(2))  accepted/accepted  s3://b/p/a", "\(Self.id(3))  accepted/accepted  s3://b/p/b",
            ])
        #expect(try captured.complaints().isEmpty)
        try daemon.finish()
    }

    /// A thousand files flow through the bounds of the connection: never more open than the daemon said.
    @Test func keepsWithinTheRequestLimit() throws {
        let names = (0..<1000).map { "file \($0)" }
        try touch(names)
        let daemon = try ScriptedDaemon(at: "\(root)/socket") { peer in
            var welcome = Peer.welcome
            welcome.requestLimit = 10
            try peer.greet(welcome)
            // Answers in bundles, last first: the rest of the limit is left free for questions, so an eighth file never comes.
            var bundle: [Peer.Request] = []
            var count = 0
            while count < 1000, let request = try peer.next() {
                bundle.append(request)
                count += 1
                if bundle.count == 7 || count == 1000 {
                    for request in bundle.reversed() { try Self.accept(request, peer) }
                    bundle = []
                }
            }
        }
        let captured = try CapturedOutput()
        #expect(try put(captured.output, ["\(root)/in"]) == .done)
        #expect(try Set(captured.lines().compactMap { $0.split(separator: "/p/").last }) == Set(names.map { Substring($0) }))
        try daemon.finish()
    }

    /// What cannot be handed over and what the daemon refuses is named, the rest goes on, and the status says so.
    @Test func goesOnBesideFailures() throws {
        try touch(["good", "bad"])
        let daemon = try daemon { peer in
            while let request = try peer.next() {
                guard case .put(let put) = request.message, put.destination == "p/bad" else {
                    try Self.accept(request, peer)
                    continue
                }
                try peer.answer(request, .error(ErrorMessage(ArtifactError(.invalidKey, "no such key", cause: "it is bad"))))
            }
        }
        let captured = try CapturedOutput()
        let status = try put(captured.output, ["\(root)/in/missing", "\(root)/in/bad", "\(root)/in/good"])
        #expect(status == .failed)
        #expect(try captured.lines() == ["\(Self.id(3))  accepted/accepted  s3://b/p/good"])
        #expect(
            try captured.complaints() == [
                "artifactctl: '\(root)/in/missing' is not there (No such file or directory)",
                "artifactctl: '\(root)/in/bad': no such key (it is bad)", "artifactctl: 2 files failed",
            ])
        try daemon.finish()
    }

    /// With --json every file has its document, failures with code, message and cause, and standard error stays empty.
    @Test func writesDocuments() throws {
        try touch(["good"])
        let daemon = try daemon { peer in
            while let request = try peer.next() { try Self.accept(request, peer) }
        }
        let captured = try CapturedOutput(json: true)
        #expect(try put(captured.output, ["\(root)/in/missing", "\(root)/in/good"]) == .failed)
        let lines = try captured.lines()
        #expect(
            lines == [
                """
                {"error":{"cause":"No such file or directory","code":"invalid_source","message":"'\(root)/in/missing' is not \
                there"},"path":"\(root)/in/missing"}
                """,
                """
                {"destination":"s3://b/p/good","duplicate":false,"id":"\(Self.id(2))","level":"accepted",\
                "path":"\(root)/in/good","pin":"link","size":0,"state":"accepted"}
                """,
            ])
        #expect(try captured.complaints().isEmpty)
        try daemon.finish()
    }

    /// A full queue ends it at once with "try again", naming how many files were not handed over; what was taken stays taken.
    @Test func givesUpWhenBusy() throws {
        try touch(["a", "b", "c"])
        let daemon = try daemon { peer in
            try Self.accept(try peer.expect(), peer)
            while let request = try peer.next() {
                try peer.answer(request, .error(ErrorMessage(ArtifactError(.busy, "the queue is full"))))
            }
        }
        let captured = try CapturedOutput()
        #expect(try put(captured.output, ["\(root)/in/a", "\(root)/in/b", "\(root)/in/c"]) == .tryAgain)
        #expect(try captured.lines().count == 1)
        #expect(
            try captured.complaints() == ["artifactctl: 2 files not handed over, try again later: the queue is full"])
        try daemon.finish()
    }

    /// What can never be handed over is named, and the status is 1, though the rest may be tried again: whether it was met before
    /// the daemon took no more, or behind.
    @Test(arguments: [false, true]) func failureWinsOverTryAgain(json: Bool) throws {
        try touch(["a", "c"])
        let daemon = try ScriptedDaemon(at: "\(root)/socket") { peer in
            var welcome = Peer.welcome
            welcome.requestLimit = 1
            try peer.greet(welcome)
            let busy = ArtifactError(.busy, "the queue is full")
            while let request = try peer.next() { try peer.answer(request, .error(ErrorMessage(busy))) }
        }
        let captured = try CapturedOutput(json: json)
        let paths = ["early", "a", "late", "c"].map { "\(root)/in/\($0)" }
        #expect(try put(captured.output, paths) == .failed)
        if json {
            let lines = try captured.lines()
            #expect(lines.map { $0.contains("invalid_source") } == [true, false, true, false])
            #expect(lines.map { $0.contains("busy") } == [false, true, false, true])
        } else {
            #expect(
                try captured.complaints() == [
                    "artifactctl: '\(root)/in/early' is not there (No such file or directory)",
                    "artifactctl: '\(root)/in/late' is not there (No such file or directory)",
                    "artifactctl: 2 files not handed over, try again later: the queue is full", "artifactctl: 2 files failed",
                ])
        }
        try daemon.finish()
    }

    /// A daemon that stops does not make a reason to try again of what was refused for good.
    @Test func failureWinsOverShutdown() throws {
        try touch(["a"])
        let daemon = try daemon { peer in
            _ = try peer.expect()
            try peer.send(.error(ErrorMessage(ArtifactError(.shuttingDown, "stopping"))), requestID: 0)
        }
        let captured = try CapturedOutput()
        #expect(try put(captured.output, ["\(root)/in/missing", "\(root)/in/a"]) == .failed)
        let complaints = try captured.complaints()
        #expect(complaints.count == 3 && complaints.last == "artifactctl: stopping")
        try daemon.finish()
    }

    /// With patience a refused file is offered again after the daemon's hint, and taken.
    @Test(arguments: [ArtifactError.Code.busy, .localStorageFailed]) func offersAgain(_ code: ArtifactError.Code) throws {
        try touch(["a", "b"])
        let daemon = try daemon { peer in
            for _ in 0..<2 {
                let busy = ArtifactError(code, "not now", retryAfterMilliseconds: 1)
                try peer.answer(try peer.expect(), .error(ErrorMessage(busy)))
            }
            while let request = try peer.next() { try Self.accept(request, peer) }
        }
        let captured = try CapturedOutput()
        let status = try put(captured.output, ["\(root)/in/a", "\(root)/in/b"], busyTimeout: .seconds(30))
        #expect(status == .done)
        #expect(try captured.lines().count == 2 && captured.complaints().isEmpty)
        try daemon.finish()
    }

    /// `--ack stored` waits, follows the pages of the outcome, and says of each job whether it is stored or why not.
    @Test func tellsWhatIsStored() throws {
        try touch(["a", "b", "c"])
        let daemon = try daemon { peer in
            var puts: [JobID] = []
            var waiting: Peer.Request?
            while let request = try peer.next() {
                switch request.message {
                case .put:
                    puts.append(Self.id(request.id))
                    try Self.accept(request, peer)
                case .wait(let wait):
                    waiting = request
                    guard wait.level == .stored, wait.timeout == nil else { throw ScriptedDaemon.Failure("\(wait)") }
                    try peer.answer(request, .waited(Waited(pending: 0, failed: 1)))
                case .listJobs(let list):
                    guard waiting != nil else { throw ScriptedDaemon.Failure("asked before it waited") }
                    // A page holds one record.
                    let rest = list.ids.filter { Int64($0.low) > list.after ?? 0 }.sorted()
                    let records = rest.prefix(1).map { id in
                        id == puts.first
                            ? Self.record(id, .failed, ArtifactError(.sourceChanged, "it was written to"))
                            : Self.record(id, .stored)
                    }
                    try peer.answer(
                        request, .jobs(Jobs(records: records, next: rest.count > 1 ? records.first?.sequence : nil)))
                default: throw ScriptedDaemon.Failure("unexpected \(request.message)")
                }
            }
            guard puts.count == 3 else { throw ScriptedDaemon.Failure("\(puts)") }
        }
        let captured = try CapturedOutput()
        let status = try put(captured.output, ["\(root)/in/a", "\(root)/in/b", "\(root)/in/c"], awaitsStored: true)
        #expect(status == .failed)
        #expect(
            try captured.lines().sorted() == [
                "\(Self.id(2))  failed/accepted  s3://b/2  source_changed: it was written to",
                "\(Self.id(3))  stored/stored  s3://b/3", "\(Self.id(4))  stored/stored  s3://b/4",
            ])
        #expect(try captured.complaints() == ["artifactctl: 1 file failed"])
        try daemon.finish()
    }

    /// A job that the daemon says nothing about any more is a failure, not a wait without end.
    @Test func noticesForgottenJob() throws {
        try touch(["a"])
        let daemon = try daemon { peer in
            try Self.accept(try peer.expect(), peer)
            try peer.answer(try peer.expect(), .waited(Waited(pending: 0, failed: 0)))
            try peer.answer(try peer.expect(), .jobs(Jobs(records: [])))
        }
        let captured = try CapturedOutput()
        #expect(try put(captured.output, ["\(root)/in/a"], awaitsStored: true) == .failed)
        #expect(try captured.complaints().first?.contains("\(Self.id(2))") == true)
        try daemon.finish()
    }

    /// When the daemon dies, what it acknowledged is told with its id, and what it did not is named.
    @Test(arguments: [false, true]) func tellsWhatIsKnownWhenTheDaemonDies(awaitsStored: Bool) throws {
        try touch(["a", "b"])
        let daemon = try daemon { peer in
            try Self.accept(try peer.expect(), peer)
            _ = try peer.expect()
        }
        let captured = try CapturedOutput()
        let error = try #require(throws: ClientError.self) {
            try put(captured.output, ["\(root)/in/a", "\(root)/in/b"], awaitsStored: awaitsStored)
        }
        #expect(error.code == "connection_lost")
        #expect(try captured.lines() == ["\(Self.id(2))  accepted/accepted  s3://b/p/a"])
        var complaints = try captured.complaints()
        if awaitsStored {
            let unknown = complaints.removeFirst()
            #expect(unknown.hasPrefix("artifactctl: 1 job accepted, and not known to be stored yet"))
        }
        #expect(complaints.count == 1 && complaints.first?.contains("'\(root)/in/b'") == true)
        try daemon.finish()
    }

    /// Reports that cannot be written are lost, files are not: all are handed over, and it is said once how many.
    @Test(arguments: [false, true]) func handsOverWithoutReports(json: Bool) throws {
        let names = (0..<1000).map { "file \($0)" }
        try touch(names)
        let daemon = try daemon { peer in
            for _ in names { try Self.accept(try peer.expect(), peer) }
        }
        let captured = try CapturedOutput(json: json, isFull: true)
        #expect(try put(captured.output, ["\(root)/in", "\(root)/missing"]) == .failed)
        var complaints = try captured.complaints()
        #expect(
            complaints.popLast() == """
                artifactctl: standard output cannot be written (write: No space left on device (ENOSPC)): reports are lost, \
                1000 files handed over all the same
                """)
        // What failed is told, where it can be: here after the loss.
        #expect(complaints.count == 2 && complaints.first?.contains("/missing' is not there") == true)
        try daemon.finish()
    }

    /// A daemon that stops refuses what is open; that is a reason to try again, not a failure.
    @Test func triesAgainAfterShutdown() throws {
        try touch(["a"])
        let daemon = try daemon { peer in
            try peer.answer(try peer.expect(), .error(ErrorMessage(ArtifactError(.shuttingDown, "stopping"))))
        }
        let captured = try CapturedOutput(json: true)
        #expect(try put(captured.output, ["\(root)/in/a"], busyTimeout: .seconds(30)) == .tryAgain)
        let document = """
            {"error":{"code":"shutting_down","message":"stopping"},"path":"\(root)/in/a"}
            """
        #expect(try captured.lines() == [document])
        try daemon.finish()
    }
}
