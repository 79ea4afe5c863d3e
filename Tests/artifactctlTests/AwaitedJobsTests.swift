import ArtifactModel
import ArtifactWire
import Testing

@testable import artifactctl

@Suite("AwaitedJobs")
struct AwaitedJobsTests {
    private static func accepted(_ number: Int, size: UInt64 = 100) -> Accepted {
        Accepted(
            id: JobID(high: 0, low: UInt64(number)), level: .accepted, pin: .link, size: size, isDuplicate: false,
            destination: "s3://b/\(number)")
    }

    private static func record(_ number: Int, _ state: JobState, bytesDone: UInt64 = 0) -> JobRecord {
        JobRecord(
            id: JobID(high: 0, low: UInt64(number)), sequence: 0, uid: 0, tenant: "", destination: "", label: "", size: 100,
            state: state, level: .accepted, pin: .link, compression: .none, kind: .other, contentType: "", acceptedAt: 0,
            updatedAt: 0, bytesDone: bytesDone)
    }

    /// Jobs are waited for by the thousand, in the order of acceptance, one batch after the other.
    @Test func waitsInBatches() {
        var awaited = AwaitedJobs()
        for number in 0..<1500 { awaited.add(Self.accepted(number), path: "\(number)") }
        #expect(awaited.beginBatch()?.map(\.low) == Array(0..<1000))
        #expect(awaited.beginBatch() == nil)
        #expect(awaited.take((0..<1000).map { Self.record($0, .stored) }).count == 1000)
        #expect(awaited.endBatch().isEmpty)
        #expect(awaited.beginBatch()?.map(\.low) == Array(1000..<1500))
    }

    /// However many files there are, so many jobs are kept and no more.
    @Test func isBounded() {
        var awaited = AwaitedJobs()
        for number in 0..<9_900 { awaited.add(Self.accepted(number), path: "") }
        #expect(awaited.hasRoom(beside: 99) && !awaited.hasRoom(beside: 100))
    }

    /// A job settles once, however often it is listed; one that is not awaited does not.
    @Test func settlesOnce() {
        var awaited = AwaitedJobs()
        awaited.add(Self.accepted(1), path: "one")
        _ = awaited.beginBatch()
        #expect(awaited.take([Self.record(1, .uploading, bytesDone: 7), Self.record(9, .stored)]).isEmpty)
        #expect(awaited.take([Self.record(1, .failed), Self.record(1, .failed)]).map(\.job.path) == ["one"])
        #expect(awaited.take([Self.record(1, .failed)]).isEmpty)
    }

    /// The bar counts what is stored and what is on its way, marks totals that still grow, and fits the terminal.
    @Test func drawsTheBar() {
        var awaited = AwaitedJobs()
        #expect(awaited.bar(now: 0, isCounting: true, width: 80) == nil)
        for number in 1...4 { awaited.add(Self.accepted(number, size: 1 << 20), path: "") }
        _ = awaited.beginBatch()
        _ = awaited.take([Self.record(1, .stored), Self.record(2, .uploading, bytesDone: 1 << 20)])
        let bar = awaited.bar(now: 1, isCounting: true, width: 80)
        #expect(bar == "[==============>               ]   50%  2.0 MiB of 4.0 MiB+  1 of 4+ files")
        _ = awaited.take([Self.record(3, .stored)])
        let later = awaited.bar(now: 1_000_000_001, isCounting: false, width: 80)
        #expect(later == "[============>     ]   75%  3.0 MiB of 4.0 MiB  2 of 4 files  1.0 MiB/s  ETA 1s")
        #expect(later?.count == 79)
        #expect(awaited.bar(now: 2_000_000_000, isCounting: false, width: 20)?.count == 19)
    }
}
