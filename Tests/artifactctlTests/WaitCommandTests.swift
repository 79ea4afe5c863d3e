import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

@Suite("WaitCommand", .timeLimit(.minutes(1)))
struct WaitCommandTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func wait(_ arguments: [String] = [], _ waited: Waited) throws -> CommandRun {
        try CommandRun(["wait"] + arguments, at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                guard case .listJobs = request.message else {
                    try peer.answer(request, .waited(waited))
                    continue
                }
                try peer.answer(request, .jobs(Jobs(records: [])))
            }
        }
    }

    /// A daemon that hangs, before the greeting or behind it, holds nobody much longer than --timeout.
    @Test(arguments: [false, true]) func endsBesideDaemonThatHangs(greets: Bool) throws {
        let run = try CommandRun(["wait", "--timeout", "0"], at: place) { peer in
            if greets { try peer.greet() }
            while try peer.next() != nil {}
        }
        #expect(run.status == .tryAgain)
        #expect(run.complaints.count == 1)
        #expect(run.complaints.first?.hasPrefix("artifactctl: the daemon at \(place.path)/socket does not answer") == true)
    }

    /// The time is up and nothing failed: try again later.
    @Test func saysThatTheTimeIsUp() throws {
        let run = try wait(["--timeout", "1"], Waited(pending: 2, failed: 0))
        #expect(run.status == .tryAgain)
        #expect(run.complaints == ["artifactctl: the time is up: 2 jobs not stored yet"])
    }

    /// Jobs that stand as failed make the status 1, also while others are pending; the ways out are named.
    @Test(arguments: [0, 2] as [UInt64]) func saysWhatStandsAsFailed(pending: UInt64) throws {
        let run = try wait(["--timeout", "1"], Waited(pending: pending, failed: 3))
        #expect(run.status == .failed)
        let failures = try #require(run.complaints.first)
        #expect(failures.hasPrefix("artifactctl: 3 jobs failed or cancelled; "))
        for way in ["jobs --state failed", "retry --failed", "cancel --failed"] { #expect(failures.contains(way)) }
        #expect(run.complaints.dropFirst() == (pending == 0 ? [] : ["artifactctl: the time is up: 2 jobs not stored yet"]))
    }

    /// Jobs that are named are asked about as named, and --json says the same in numbers.
    @Test func writesNumbers() throws {
        let id = JobID(high: 0, low: 1).description
        let run = try wait([id, "--json"], Waited(pending: 0, failed: 1))
        #expect(run.status == .failed)
        #expect(run.lines == [#"{"failed":1,"pending":0}"#] && run.complaints.isEmpty)
    }
}
