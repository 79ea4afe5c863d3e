import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

/// `runs list`, `get`, `start` and `end`.
@Suite("Run commands", .timeLimit(.minutes(1)))
struct RunCommandsTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func run(
        _ arguments: [String], answer: @escaping @Sendable (Message) throws -> Message? = { _ in nil }
    ) throws -> RegistryRun {
        try RegistryRun(["runs"] + arguments, at: place, answer: answer)
    }

    private static let document = """
        {"artifact_uri":"s3://bucket/e/runs/r7/artifacts","description":"","ended_at":61000,"experiment_id":"\(RegistryRun.id)",\
        "name":"night","provisional":true,"run_id":"r7","started_at":0,"status":"failed","tags":{"k":"v"},"tenant":"acme"}
        """

    /// The runs of an experiment, called by id or name, or of all, as a line or a document each.
    @Test(arguments: [["fraud"], [RegistryRun.id], []], [false, true]) func lists(_ experiment: [String], json: Bool) throws {
        let options = ["--status", "failed", "--search", "ni", "--limit", "5", "--offset", "1"]
        let run = try run(["list"] + experiment + options + (json ? ["--json"] : [])) { message in
            guard case .listRuns = message else { return nil }
            return .runs(Runs(runs: [RegistryRun.run("r7", .failed, name: "night")], total: 2))
        }
        let request = ListRuns(
            experimentID: experiment.isEmpty ? nil : RegistryRun.id, status: .failed, search: "ni", limit: 5, offset: 1)
        #expect(run.requests.last == .listRuns(request))
        let id = "r7".padded(to: 36)
        #expect(run.lines == [json ? Self.document : "\(id)  failed    1970-01-01T00:00:00Z  night"])
    }

    /// Everything known of a run is shown, and that its place is not certain yet.
    @Test func shows() throws {
        let run = try run(["get", "r7"]) { _ in .run(RegistryRun.run("r7", .killed)) }
        #expect(
            run.lines == [
                "id            r7", "status        killed", "experiment    \(RegistryRun.id)", "tag           k=v",
                "artifacts     s3://bucket/e/runs/r7/artifacts  (provisional: the store has not confirmed it yet)",
                "tenant        acme", "started       1970-01-01T00:00:00Z", "ended         1970-01-01T00:01:01Z",
            ])
    }

    /// A run of another tenant is refused with the daemon's reason and status 1.
    @Test func saysThatRunIsAnothers() throws {
        let run = try run(["get", "r7", "--json"]) { _ in RegistryRun.refusal(.tenantMismatch, "run 'r7' is another tenant's") }
        #expect(run.status == .failed)
        #expect(run.lines == [#"{"error":{"code":"tenant_mismatch","message":"run 'r7' is another tenant's"}}"#])
    }

    /// The id alone is written. By name the daemon makes an experiment that is not there.
    @Test(arguments: [(RegistryRun.id, ExperimentReference.id(RegistryRun.id)), ("new", .name("new"))])
    func starts(_ experiment: String, _ reference: ExperimentReference) throws {
        let run = try run(["start", experiment, "--name", "night", "--id", "r7", "--description", "d", "--tag", "k=v"]) {
            message in
            guard case .startRun = message else { return nil }
            return .runStarted(RegistryRun.run())
        }
        let request = StartRun(experiment: reference, runID: "r7", name: "night", description: "d", tags: ["k": "v"])
        #expect(run.requests.last == .startRun(request))
        #expect(run.status == .done && run.lines == ["r7"])
    }

    /// What looks like an id and is none makes no experiment of that name.
    @Test func startsNothingByMistake() throws {
        let run = try run(["start", "00000000-0000-0000-0000-000000000000"])
        #expect(run.status == .failed && run.lines.isEmpty)
        #expect(!run.requests.contains { if case .startRun = $0 { true } else { false } })
    }

    /// A run ends as finished unless told otherwise, also one that another node has started.
    @Test(arguments: [([], RunStatus.finished), (["--status", "killed"], .killed)])
    func ends(_ options: [String], _ status: RunStatus) throws {
        let run = try run(["end", "r7"] + options) { message in
            guard case .endRun(let end) = message else { return nil }
            return .runEnded(RegistryRun.run("r7", end.status))
        }
        #expect(run.requests == [.getRun(GetRun(runID: "r7")), .endRun(EndRun(runID: "r7", status: status))])
        let id = "r7".padded(to: 36)
        #expect(run.lines == ["\(id)  \(status.description.padded(to: 8))  1970-01-01T00:00:00Z"])
    }

    /// A daemon that does not serve runs is not asked for them, and says what to do.
    @Test func asksOnlyWhereRunsAreServed() throws {
        let run = try CommandRun(["runs", "get", "r7"], at: place) { peer in
            var welcome = Peer.welcome
            welcome.features = [.spool, .objects]
            try peer.greet(welcome)
            if let request = try peer.next() { throw ScriptedDaemon.Failure("unexpected \(request.message)") }
        }
        #expect(run.status == .failed)
        #expect(
            run.complaints == ["artifactctl: this daemon (artifactd/9.9.9) does not serve experiments and runs; upgrade it"])
    }
}
