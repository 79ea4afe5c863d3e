import ArtifactModel
import Testing

@testable import Journal

@Suite struct RetentionTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Cancels so many new jobs, each a millisecond later.
    private func cancel(_ count: Int, in journal: Journal) throws {
        for index in 1...Int64(count) {
            journal.accept(.sample("\(index)", key: [UInt8(index & 0xFF), UInt8(index >> 8)])) { _ in }
            journal.submit(.cancelled(index, at: 100 + index))
        }
        #expect(try journal.apply(.cancelled(try journal.sequence(of: .sample("last")), at: 99)))
    }

    /// What ended before the time goes, the rest stays; also when it is more than one batch.
    @Test func byTime() throws {
        try scratch.withJournal { journal throws in
            try cancel(1_200, in: journal)
            #expect(try journal.purge(finishedBefore: 1_201, keepAtMost: .max) == 1_101)
            #expect(try journal.records(JobQuery(limit: 10_000)).map(\.sequence) == Array(1_101...1_200))
            #expect(try journal.purge(finishedBefore: 1_201, keepAtMost: .max) == 0)
        }
    }

    /// Of what may stay by time, exactly the newest so many stay.
    @Test func byNumber() throws {
        try scratch.withJournal { journal throws in
            try cancel(20, in: journal)
            #expect(try journal.purge(finishedBefore: 0, keepAtMost: 5) == 16)
            #expect(try journal.records(JobQuery(limit: 100)).map(\.sequence) == Array(16...20))
        }
    }

    /// A forgotten job's key is free again.
    @Test func keyIsFree() throws {
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample(key: [1]))
            #expect(try journal.apply(.cancelled(sequence, at: 20)))
            try journal.purge(finishedBefore: 21, keepAtMost: .max)
            #expect(try journal.sequence(of: .sample("other", key: [1])) == 2)
        }
    }

    /// Failed jobs and those on their way are never forgotten, and neither is the later version that an earlier one, once retried,
    /// must not replace. When that danger is over it goes too.
    @Test func whatStays() throws {
        try scratch.withJournal { journal throws in
            for name in ["latest", "latest", "accepted", "uploading"] { _ = try journal.sequence(of: .sample(name)) }
            for change: Change in [
                .failed(1, ArtifactError(.storeDenied, "no"), at: 20), .began(2, encoding: .identity, at: 20),
                .stored(2, .sample, at: 20), .began(4, encoding: .identity, at: 20),
            ] { #expect(try journal.apply(change)) }
            #expect(try journal.purge(finishedBefore: 1_000, keepAtMost: 0) == 0)
            #expect(try journal.hasLaterStored(than: 1, destination: NewJob.sample("latest").destination))
            #expect(try journal.apply(.cancelled(1, at: 30)))
            #expect(try journal.purge(finishedBefore: 1_000, keepAtMost: 0) == 2)
            #expect(try journal.records(JobQuery(limit: 10)).map(\.sequence) == [3, 4])
        }
    }
}
