import ArtifactModel
import GRDB
import Testing

@testable import Journal

@Suite struct RunJobTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func refusal(_ job: NewJob, _ journal: Journal) throws -> ArtifactError {
        try #require(throws: ArtifactError.self) { try journal.accept(job) }
    }

    /// The journal makes the destination, and every field of the hand-over is read back, with and without a group.
    @Test(arguments: [false, true])
    func accepted(isProvisional: Bool) throws {
        try scratch.withJournal { journal throws in
            try journal.start(in: .sample(isProvisional: isProvisional))
            let uri = "s3://bucket/experiments/fraud/runs/r1/artifacts"
            var jobs: [NewJob] = [
                .sample("models/a.pt", run: "r1"), .sample("b", run: "r1", group: "step-1", member: 3), .sample("plain"),
            ]
            #expect(
                try journal.accept(jobs[0])
                    == .accepted(sequence: 1, destination: "\(uri)/models/a.pt", isProvisional: isProvisional))
            #expect(
                try journal.accept(jobs[1]) == .accepted(sequence: 2, destination: "\(uri)/b", isProvisional: isProvisional))
            #expect(
                try journal.accept(jobs[2])
                    == .accepted(sequence: 3, destination: jobs[2].destination, isProvisional: false))
            jobs[0].destination = "\(uri)/models/a.pt"
            jobs[1].destination = "\(uri)/b"
            let pending = try journal.pending(limit: 10)
            #expect(pending.map(\.job) == jobs)
            #expect(pending.map(\.isProvisional) == [isProvisional, isProvisional, false])
            #expect(pending.map(\.experimentID) == ["id-of-fraud", "id-of-fraud", nil])
            #expect(try journal.pendingJob(2) == pending[1])
            #expect(try journal.record(jobs[0].id)?.destination == "\(uri)/models/a.pt")
        }
    }

    /// A hand-over to a run that is not here, is another tenant's, or has ended is refused alone and by name, and the journal is
    /// none the worse for it.
    @Test func refused() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.start("over")
            _ = try journal.endRun("over", status: .killed, at: 9)
            let missing = try refusal(.sample("a", run: "nowhere"), journal)
            #expect(missing.code == .notFound && missing.message.contains("nowhere"))
            let foreign = try refusal(.sample("a", run: "r1", tenant: "other"), journal)
            #expect(foreign.code == .tenantMismatch && foreign.message.contains("r1"))
            let late = try refusal(.sample("a", run: "over"), journal)
            #expect(late.code == .conflict && late.message.contains("killed"))
            #expect(journal.condition == .ok)
            #expect(try journal.pending(limit: 10).isEmpty)
            #expect(try journal.sequence(of: .sample("a", run: "r1")) == 1)
        }
    }

    /// A request that is sent again finds its job after the run's end too, and after the store has moved it to another place.
    @Test func sentAgain() throws {
        try scratch.withJournal { journal throws in
            try journal.start(in: .sample(isProvisional: true))
            let job = NewJob.sample("a", run: "r1", key: [1])
            _ = try journal.sequence(of: job)
            _ = try journal.confirm("id-of-fraud", location: "s3://elsewhere")
            _ = try journal.endRun("r1", status: .finished, at: 9)
            let record = try #require(try journal.record(job.id))
            #expect(record.destination == "s3://elsewhere/runs/r1/artifacts/a")
            #expect(try journal.accept(.sample("a", run: "r1", key: [1])) == .duplicate(record))
        }
    }

    /// A key stands for run and path: with another one, or a plain destination, or paths that are only canonically equal, it is a
    /// conflict.
    @Test(arguments: [
        NewJob.sample("caf\u{E9}", run: "r2", key: [1]), .sample("b", run: "r1", key: [1]), .sample("caf\u{E9}", key: [1]),
        .sample("cafe\u{301}", run: "r1", key: [1]),
    ])
    func keyConflict(second: NewJob) throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.start("r2")
            _ = try journal.sequence(of: .sample("caf\u{E9}", run: "r1", key: [1]))
            #expect(try refusal(second, journal).code == .idempotencyConflict)
        }
    }

    /// A key that belongs to a plain destination is not a run's artifact.
    @Test func keyOfPlainDestination() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            _ = try journal.sequence(of: .sample("a", key: [1]))
            #expect(try refusal(.sample("a", run: "r1", key: [1]), journal).code == .idempotencyConflict)
        }
    }

    /// A journal of the first version keeps its jobs, which have no run, and takes runs from then on.
    @Test func migration() throws {
        let before = try Scratch()
        let job = NewJob.sample("old", key: [3], inlineBytes: [1, 2])
        let (pending, record) = try before.withJournal { journal throws in
            _ = try journal.sequence(of: job)
            return (try journal.pending(limit: 10), try journal.record(job.id))
        }
        let old = try DatabaseQueue(path: "\(scratch.path)/journal.sqlite")
        try Schema.migrator.migrate(old, upTo: "1 jobs")
        try old.inDatabase { db in
            let columns = try db.columns(in: "jobs").map(\.name).joined(separator: ", ")
            #expect(!columns.contains("run_id"))
            try db.execute(sql: "ATTACH ? AS new", arguments: ["\(before.path)/journal.sqlite"])
            for (table, columns) in [("jobs", columns), ("inline", "seq, bytes")] {
                try db.execute(sql: "INSERT INTO main.\(table) (\(columns)) SELECT \(columns) FROM new.\(table)")
            }
        }
        try old.close()
        try scratch.withJournal { journal throws in
            #expect(journal.setAside == nil)
            #expect(try journal.pending(limit: 10) == pending)
            #expect(try journal.record(job.id) == record)
            #expect(try journal.inlineBytes(1) == [1, 2])
            #expect(try journal.counts() == [JobCount(tenant: job.tenant, state: .accepted, jobs: 1, bytes: job.size)])
            try journal.start()
            #expect(try journal.store("new") == 2)
            #expect(try journal.artifacts(ArtifactQuery(run: "r1", limit: 10)).map(\.path) == ["new"])
        }
    }
}
