import ArtifactClient
import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import TestSupport
import Testing

/// Requests about experiments, runs and artifacts.
@Suite("Registry requests", .timeLimit(.minutes(1)))
struct RegistryRequestsTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/socket"
    }

    private func connect() throws(ClientError) -> Client {
        try Client.connect(socket: path, environment: [:], clientName: "tests/1", timeout: .seconds(10))
    }

    private static let run = Run(
        id: "r7", experimentID: "e", tenant: "acme", startedAt: 1, artifactURI: "s3://b/r7", isProvisional: false)

    /// What the daemon does not serve is refused here, and nothing is sent.
    @Test func sendsNothingThatIsNotInForce() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            var welcome = Peer.welcome
            welcome.features.remove(.runs)
            try peer.greet(welcome)
            guard case .status = try peer.expect().message else { throw ScriptedDaemon.Failure("a request of runs was sent") }
        }
        let client = try connect()
        let error = try #require(throws: ClientError.self) { try client.run("r7") }
        #expect(error.code == "unsupported_message" && error.description.contains("artifactd/9.9.9"))
        _ = try client.send(.status)
        try daemon.finish()
    }

    /// A look-up that takes the store longer than its caller allows ends in time.
    @Test func endsLookUpInTime() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            while let request = try peer.next() {
                if case .status = request.message { try peer.answer(request, .statusReport(StatusText(json: "{}"))) }
            }
        }
        let error = try #require(throws: ClientError.self) { try connect().run("r7", timeout: .milliseconds(20)) }
        #expect(error.code == "timeout")
        try daemon.finish()
    }

    /// What the daemon says of a commit is returned as it is, with a timeout or without.
    @Test(arguments: [nil, 30] as [UInt64?]) func waitsForCommit(timeout: UInt64?) throws {
        let waited = CommitWaited(isCommitted: false, pending: 1, failed: 2, missing: [3])
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let request = try peer.expect()
            guard request.message == .waitCommit(WaitCommit(runID: "r7", timeout: timeout)) else {
                throw ScriptedDaemon.Failure("\(request.message)")
            }
            try peer.answer(request, .commitWaited(waited))
        }
        #expect(try connect().waitCommit(WaitCommit(runID: "r7", timeout: timeout)) == waited)
        try daemon.finish()
    }

    /// Each request has its answer, and a refusal reaches the caller as it stands.
    @Test func answersEach() throws {
        let refusal = ArtifactError(.tenantMismatch, "another tenant's")
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            while let request = try peer.next() {
                switch request.message {
                case .startRun: try peer.answer(request, .runStarted(Self.run))
                case .getRun: try peer.answer(request, .run(Self.run))
                case .listRuns: try peer.answer(request, .runs(Runs(runs: [Self.run], total: 1)))
                case .listArtifacts: try peer.answer(request, .artifacts(Artifacts(artifacts: [], next: "a")))
                case .deleteArtifacts: try peer.answer(request, .artifactsDeleted(ArtifactsDeleted(count: 3)))
                default: try peer.answer(request, .error(ErrorMessage(refusal)))
                }
            }
        }
        do {
            let client = try connect()
            #expect(try client.startRun(StartRun(experiment: .name("e"))) == Self.run)
            #expect(try client.run("r7") == Self.run)
            #expect(try client.runs(ListRuns()) == Runs(runs: [Self.run], total: 1))
            #expect(try client.artifacts(ListArtifacts(runID: "r7")).next == "a")
            #expect(try client.deleteArtifacts(DeleteArtifacts(runID: "r7", path: "a")) == 3)
            #expect(throws: ClientError.failure(refusal)) { try client.experiment(.name("e")) }
            #expect(throws: ClientError.failure(refusal)) { try client.endRun(EndRun(runID: "r7", status: .failed)) }
        }
        try daemon.finish()
    }
}
