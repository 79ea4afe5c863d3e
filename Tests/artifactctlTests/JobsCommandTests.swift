import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import Synchronization
import TestSupport
import Testing

@testable import artifactctl

@Suite("JobsCommand", .timeLimit(.minutes(1)))
struct JobsCommandTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private static func record(_ sequence: Int64) -> JobRecord {
        JobRecord(
            id: JobID(high: 0, low: UInt64(sequence)), sequence: sequence, uid: 0, tenant: "acme",
            destination: "s3://b/\(sequence)", label: "", size: 0, state: sequence % 100 == 0 ? .failed : .stored,
            level: .stored, pin: .link, compression: .none, kind: .other, contentType: "text/plain", acceptedAt: 0, updatedAt: 0)
    }

    /// Lists, from a daemon that knows jobs of these sequences; returns the sequences, and how much was asked and told.
    private func list(
        _ arguments: [String], _ sequences: [Int64]
    ) throws -> (listed: [Int64], requests: Int, records: Int) {
        let cost = Mutex((requests: 0, records: 0))
        let run = try CommandRun(["jobs"] + arguments, at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                guard case .listJobs(let list) = request.message else { throw ScriptedDaemon.Failure("\(request.message)") }
                // A page looks at so many jobs, and may hold fewer, even none.
                let rest = sequences.filter { $0 > list.after ?? 0 }
                let page = rest.prefix(Int(min(list.limit, 1_000)))
                let records = page.map(Self.record).filter { list.states.isEmpty || list.states.contains($0.state) }
                cost.withLock { $0 = ($0.requests + 1, $0.records + records.count) }
                try peer.answer(request, .jobs(Jobs(records: records, next: rest.count > page.count ? page.last : nil)))
            }
        }
        #expect(run.status == .done && run.complaints.isEmpty)
        let listed = run.lines.compactMap { $0.split(separator: "/").last.flatMap { Int64($0) } }
        return cost.withLock { (listed, $0.requests, $0.records) }
    }

    /// The oldest stand first and are what a limit leaves.
    @Test func listsTheOldest() throws {
        #expect(try list(["--limit", "3"], Array(1...5_000)).listed == [1, 2, 3])
    }

    /// --newest leaves the other end, in the same order, whatever gaps there are; fewer where there are fewer.
    @Test(
        arguments: [
            ([], 3, []), ([7], 3, [7]), (Array(1...10), 3, [8, 9, 10]), ([1, 2, 5_000_000_000], 2, [2, 5_000_000_000]),
            ([900, 40_000, 40_001, 900_000], 3, [40_000, 40_001, 900_000]), (Array(1...2_500), 2_000, Array(501...2_500)),
            ([.max - 1, .max], 1, [.max]),
        ] as [([Int64], Int, [Int64])])
    func listsTheNewest(_ sequences: [Int64], _ limit: Int, _ expected: [Int64]) throws {
        #expect(try list(["--newest", "--limit", "\(limit)"], sequences).listed == expected)
    }

    /// It costs a few questions, not the whole list.
    @Test func asksLittle() throws {
        let (listed, requests, records) = try list(["--newest", "--limit", "20"], Array(1...5_000))
        #expect(listed == Array(4_981...5_000))
        #expect(requests < 40 && records < 60)
    }

    /// The newest of a state lie further back than the newest of all.
    @Test func listsTheNewestOfState() throws {
        let listed = try list(["--newest", "--limit", "3", "--state", "failed"], Array(1...5_050)).listed
        #expect(listed == [4_800, 4_900, 5_000])
    }

    /// What is wrong with a job is told with what lay underneath, for its sentence may refer to it.
    @Test func tellsTheCause() throws {
        let run = try CommandRun(["jobs"], at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                var record = Self.record(100)
                record.error = ArtifactError(
                    .storeRejected, "it was refused for good; see the cause", cause: "HTTP 400 BadDigest")
                try peer.answer(request, .jobs(Jobs(records: [record])))
            }
        }
        #expect(run.lines.first?.contains("see the cause (HTTP 400 BadDigest)") == true)
    }
}
