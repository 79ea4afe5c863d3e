import ArtifactModel
import Testing

@testable import Journal

@Suite struct RunRetentionTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The jobs of a run stay until it has ended and every manifest that was asked for is written; then they go, the run stays.
    @Test func endedAndCommitted() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.store("a", group: "g")
            func purge() throws -> Int { try journal.purge(finishedBefore: 1_000, keepAtMost: 0) }
            #expect(try purge() == 0)
            try journal.requestCommit(run: "r1", at: 40)
            let flush = try #require(try journal.openCommits(limit: 10).first)
            #expect(try journal.manifestWritten(flush, at: 41))
            #expect(try purge() == 0)
            try journal.requestCommit(run: "r1", group: "g", member: 0, members: 8, at: 42)
            _ = try journal.endRun("r1", status: .finished, at: 43)
            let requests = try journal.openCommits(limit: 10)
            #expect(requests.count == 2)
            #expect(try purge() == 0)
            #expect(try journal.manifestWritten(requests[1], at: 44))
            #expect(try purge() == 0)
            #expect(try journal.manifestWritten(requests[0], at: 45))
            #expect(try purge() == 1)
            #expect(try journal.run("r1") != nil)
        }
    }

    /// A manifest of a run that has ended is not written anew once jobs of it are forgotten: it would lack them.
    @Test func manifestStays() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.store("a")
            _ = try journal.endRun("r1", status: .finished, at: 43)
            let request = try #require(try journal.openCommits(limit: 10).first)
            #expect(try journal.manifestWritten(request, at: 44))
            #expect(try journal.purge(finishedBefore: 1_000, keepAtMost: 0) == 1)
            try journal.requestCommit(run: "r1", at: 50)
            #expect(try journal.commitState(run: "r1") == .committed)
        }
    }

    /// A run that nobody ends keeps its jobs for thirty days after its last one, and no longer; one with a manifest to be
    /// written keeps them on.
    @Test func abandoned() throws {
        let day: Int64 = 24 * 3_600_000
        let (last, open) = (NewJob.sample("b", run: "r1"), NewJob.sample("c", run: "r2"))
        func purge(at now: Int64) throws -> [Int64] {
            let journal = try Journal.open(directory: scratch.path, now: { now })
            let outcome = Result {
                try journal.purge(finishedBefore: .max, keepAtMost: .max)
                return try journal.records(JobQuery(limit: 10)).map(\.sequence)
            }
            try journal.close()
            return try outcome.get()
        }
        try scratch.withJournal { journal throws in
            for id in ["r1", "r2"] { try journal.start(id) }
            try journal.store("a")
            for var job in [last, open] {
                job.acceptedAt = 5 * day
                try journal.store(try journal.sequence(of: job))
            }
            try journal.requestCommit(run: "r2", at: 40)
        }
        #expect(try purge(at: 35 * day) == [1, 2, 3])
        #expect(try purge(at: 35 * day + 1) == [3])
    }

    /// What must stay holds up nothing behind it, also when it is more than one batch.
    @Test func staysAmongOthers() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            for index in 1...Int64(1_400) {
                journal.accept(index <= 700 ? .sample("\(index)", run: "r1") : .sample("\(index)")) { _ in }
                journal.submit(.cancelled(index, at: 100 + index))
            }
            #expect(try journal.purge(finishedBefore: 2_000, keepAtMost: .max) == 700)
            #expect(try journal.records(JobQuery(limit: 2_000)).map(\.sequence) == Array(1...700))
        }
    }
}
