import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

@Suite("WaitRunCommand", .timeLimit(.minutes(1)))
struct WaitRunCommandTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private static let job = JobID(high: 0, low: 1)

    /// One that is stored, then so many that are not.
    private static func artifacts(_ count: Int, _ state: JobState, _ error: ArtifactError? = nil) -> [ArtifactRecord] {
        (0...count).map { number in
            ArtifactRecord(
                path: "a/\(number)", uri: "s3://bucket/a/\(number)", size: 1, kind: .other, contentType: "",
                state: number == 0 ? .stored : state, job: number == 0 ? nil : job, error: number == 0 ? nil : error)
        }
    }

    private func wait(
        _ waited: CommitWaited, _ artifacts: [ArtifactRecord] = [], with arguments: [String] = []
    ) throws -> RegistryRun {
        try RegistryRun(["runs", "wait", "r7"] + arguments, at: place) { message in
            switch message {
            case .waitCommit: .commitWaited(waited)
            case .listArtifacts: .artifacts(Artifacts(artifacts: artifacts))
            default: nil
            }
        }
    }

    /// Committed: nothing is to be said to people, and scripts hear it too.
    @Test(arguments: [false, true]) func endsWithCommit(json: Bool) throws {
        let run = try wait(CommitWaited(isCommitted: true), with: json ? ["--json"] : [])
        #expect(run.status == .done && run.complaints.isEmpty)
        #expect(run.lines == (json ? [#"{"committed":true,"failed":0,"missing":[],"pending":0}"#] : []))
        #expect(run.requests == [.getRun(GetRun(runID: "r7")), .waitCommit(WaitCommit(runID: "r7"))])
    }

    /// The time is up: what is not stored is named with its job, and the status says that waiting on can help.
    @Test func namesWhatIsPending() throws {
        let run = try wait(
            CommitWaited(isCommitted: false, pending: 1), Self.artifacts(1, .uploading), with: ["--timeout", "1"])
        #expect(run.status == .tryAgain)
        #expect(
            run.complaints == ["artifactctl: 'a/1' is uploading (job \(Self.job))", "artifactctl: 1 artifact not stored yet"])
    }

    /// Artifacts that failed are named with their reasons, and the way out; waiting on cannot help.
    @Test(arguments: [0, 1] as [UInt64]) func namesWhatFailed(pending: UInt64) throws {
        let run = try wait(
            CommitWaited(isCommitted: false, pending: pending, failed: 1),
            Self.artifacts(1, .failed, ArtifactError(.sourceChanged, "it was written to")))
        #expect(run.status == .failed)
        #expect(run.complaints.first == "artifactctl: 'a/1' is failed (job \(Self.job)): source_changed: it was written to")
        let wayOut = run.complaints.dropFirst().first
        #expect(wayOut?.contains("1 artifact failed; 'artifactctl retry JOB'") == true)
        #expect(run.complaints.count == (pending == 0 ? 2 : 3))
    }

    /// Of many only the first are named.
    @Test func namesTheFirstOfMany() throws {
        let run = try wait(CommitWaited(isCommitted: false, pending: 30), Self.artifacts(30, .accepted))
        #expect(run.complaints.count == 22)
        #expect(run.complaints.dropFirst(20).first == "artifactctl: and 10 more; 'artifactctl artifacts r7' lists all")
    }

    /// A group's missing members are named, and artifacts are not, as they need not be the group's.
    @Test(arguments: [false, true]) func namesMissingMembers(json: Bool) throws {
        let waited = CommitWaited(isCommitted: false, pending: 2, missing: [3, 7])
        let run = try wait(waited, Self.artifacts(1, .accepted), with: ["--group", "step-1"] + (json ? ["--json"] : []))
        #expect(run.status == .tryAgain)
        #expect(
            run.complaints
                == (json
                    ? []
                    : [
                        "artifactctl: of the group 'step-1' these members are missing: 3, 7",
                        "artifactctl: 2 artifacts not stored yet",
                    ]))
        #expect(run.lines == (json ? [#"{"committed":false,"failed":0,"missing":[3,7],"pending":2}"#] : []))
        #expect(run.requests.last == .waitCommit(WaitCommit(runID: "r7", group: "step-1")))
    }

    /// Why a manifest cannot be written is told; the status is 1 only where nothing changes by itself.
    @Test(arguments: [(ArtifactError.Code.storeUnavailable, artifactctl.ExitStatus.tryAgain), (.storeDenied, .failed)])
    func tellsWhy(_ code: ArtifactError.Code, _ status: artifactctl.ExitStatus) throws {
        let run = try wait(CommitWaited(isCommitted: false, error: ArtifactError(code, "the store says no")))
        #expect(run.status == status && run.complaints == ["artifactctl: the store says no"])
    }

    /// The manifest alone is missing.
    @Test func tellsThatTheManifestIsMissing() throws {
        let run = try wait(CommitWaited(isCommitted: false))
        #expect(run.status == .tryAgain)
        #expect(run.complaints == ["artifactctl: the time is up: all is stored, the manifest is not written yet"])
    }

    /// A run that nobody has ended is never committed: that is said, with the way out, instead of waiting.
    @Test(arguments: [([], "'artifactctl runs end r7' ends it"), (["--group", "g"], "no member of the group 'g' of run 'r7'")])
    func tellsThatNobodyAskedForIt(_ options: [String], _ reason: String) throws {
        let run = try RegistryRun(["runs", "wait", "r7"] + options, at: place) { message in
            guard case .waitCommit = message else { return nil }
            return RegistryRun.refusal(.notFound, "nobody asked")
        }
        #expect(run.status == .failed && run.complaints.count == 1)
        #expect(run.complaints.first?.contains(reason) == true && run.complaints.first?.hasSuffix("(nobody asked)") == true)
    }

    /// A daemon that hangs, whether it looks for the run or waits, holds nobody much longer than --timeout.
    @Test(arguments: [false, true]) func endsBesideDaemonThatHangs(knowsRun: Bool) throws {
        let run = try CommandRun(["runs", "wait", "r7", "--timeout", "0"], at: place) { peer in
            try peer.greet()
            if knowsRun { try peer.answer(try peer.expect(), .run(RegistryRun.run())) }
            while try peer.next() != nil {}
        }
        #expect(run.status == .tryAgain && run.complaints.count == 1)
        #expect(run.complaints.first?.hasPrefix("artifactctl: the daemon at \(place.path)/socket does not answer") == true)
    }
}
