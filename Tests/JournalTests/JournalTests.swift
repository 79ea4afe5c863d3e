import ArtifactModel
import Testing

@testable import Journal

@Suite struct JournalTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// All that was answered is there after the journal was closed and opened again.
    @Test func reopen() throws {
        let job = NewJob.sample("kept", key: [9], inlineBytes: [1, 2, 3])
        let before = try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: job)
            let orphaned = try journal.sequence(of: .sample("orphaned"))
            for change: Change in [
                .began(sequence, encoding: .zstd, at: 20), .uploadIntended(sequence, codec: "zstd-1", partSize: 100, at: 21),
                .uploadCreated(sequence, uploadID: "u"), .partSent(sequence, .sample(1)), .partSent(sequence, .sample(2)),
                .uploadCreated(orphaned, uploadID: "o"),
            ] { _ = try journal.apply(change) }
            try journal.remember(endpoint: "http://127.0.0.1:1/bucket", integrity: "md5")
            try journal.remember(endpoint: "http://127.0.0.1:1/bucket", integrity: "crc32c")
            return try Snapshot(journal)
        }
        #expect(before.pending.count == 2 && before.parts.count == 2 && before.aborts.count == 1)
        try scratch.withJournal { journal throws in
            #expect(try Snapshot(journal) == before)
            #expect(try journal.recall(endpoint: "http://127.0.0.1:1/bucket") == "crc32c")
            #expect(try journal.recall(endpoint: "http://127.0.0.1:2/bucket") == nil)
            let record = try #require(try journal.record(job.id))
            var again = job
            again.id = .make(unixMilliseconds: 5)
            #expect(try journal.accept(again) == .duplicate(record))
        }
    }

    private struct Snapshot: Equatable {
        let daemonID: String
        let pending: [PendingJob]
        let records: [JobRecord]
        let parts: [PartRecord]
        let bytes: [UInt8]?
        let aborts: [UploadToAbort]

        init(_ journal: Journal) throws {
            daemonID = journal.daemonID
            pending = try journal.pending(limit: 100)
            records = try journal.records(JobQuery(limit: 100))
            parts = try journal.parts(1)
            bytes = try journal.inlineBytes(1)
            aborts = try journal.uploadsToAbort()
        }
    }

    /// The daemon's id is a UUID of version 4, and each journal has its own.
    @Test func daemonID() throws {
        let id = try scratch.withJournal(\.daemonID)
        let other = try Scratch().withJournal(\.daemonID)
        #expect(id != other)
        for id in [id, other] {
            #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        }
    }

    /// A sequence is never given twice, even when the last job was forgotten and the journal opened anew.
    @Test func sequencesOnlyRise() throws {
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample())
            #expect(try journal.apply(.cancelled(sequence, at: 20)))
            #expect(try journal.purge(finishedBefore: 1_000, keepAtMost: 0) == 1)
        }
        try scratch.withJournal { journal throws in #expect(try journal.sequence(of: .sample()) == 2) }
    }

    /// Pending jobs come in the order of acceptance, page by page, and only those that are on their way.
    @Test func pending() throws {
        try scratch.withJournal { journal throws in
            let sequences = try (0..<6).map { try journal.sequence(of: .sample("\($0)")) }
            #expect(try journal.apply(.began(sequences[1], encoding: .identity, at: 20)))
            #expect(try journal.apply(.cancelled(sequences[2], at: 20)))
            #expect(try journal.apply(.failed(sequences[3], ArtifactError(.sourceLost, "gone"), at: 20)))
            #expect(try journal.pending(limit: 3).map(\.sequence) == [1, 2, 5])
            #expect(try journal.pending(after: 5, limit: 3).map(\.sequence) == [6])
        }
    }

    /// A listing holds what every part of the query asks for, in the order of acceptance, from the cursor on.
    @Test func records() throws {
        try scratch.withJournal { journal throws in
            for index in 0..<8 {
                let job = NewJob.sample("\(index)", uid: index % 2 == 0 ? 1 : 2, tenant: index < 4 ? "a" : "b'c")
                _ = try journal.sequence(of: job)
            }
            for sequence: Int64 in [1, 5] { #expect(try journal.apply(.cancelled(sequence, at: 20))) }
            func listed(_ query: JobQuery) throws -> [Int64] { try journal.records(query).map(\.sequence) }
            #expect(try listed(JobQuery(limit: 100)) == Array(1...8))
            #expect(try listed(JobQuery(after: 3, limit: 2)) == [4, 5])
            #expect(try listed(JobQuery(states: [.cancelled], limit: 100)) == [1, 5])
            #expect(try listed(JobQuery(states: [.cancelled, .accepted], tenants: ["b'c"], limit: 100)) == [5, 6, 7, 8])
            #expect(try listed(JobQuery(tenants: ["a", "b'c"], uid: 2, limit: 100)) == [2, 4, 6, 8])
            #expect(try listed(JobQuery(states: [], limit: 100)) == [])
            #expect(try listed(JobQuery(tenants: [], limit: 100)) == [])
        }
    }

    /// The counts follow every change of state and size, and every purge, of each tenant by itself.
    @Test func counts() throws {
        try scratch.withJournal { journal throws in
            for index in 0..<5 { _ = try journal.sequence(of: .sample("\(index)", size: 10)) }
            for index in 5..<7 { _ = try journal.sequence(of: .sample("\(index)", tenant: "beta", size: 2)) }
            let fingerprint = SourceFingerprint(device: 1, inode: 2, size: 25, modifiedNanoseconds: 3)
            for change: Change in [
                .sourceRenewed(1, fingerprint: fingerprint, size: 25), .began(2, encoding: .identity, at: 20),
                .began(3, encoding: .identity, at: 20), .stored(3, .sample, at: 20),
                .failed(4, ArtifactError(.sourceLost, "gone"), at: 20), .cancelled(5, at: 20), .cancelled(6, at: 20),
            ] { #expect(try journal.apply(change)) }
            func counted(_ tenant: String) throws -> [JobState: [UInt64]] {
                let own = try journal.counts().filter { $0.tenant == tenant }
                return Dictionary(uniqueKeysWithValues: own.map { ($0.state, [$0.jobs, $0.bytes]) })
            }
            var expected: [JobState: [UInt64]] = [
                .accepted: [1, 25], .uploading: [1, 10], .stored: [1, 10], .failed: [1, 10], .cancelled: [1, 10],
            ]
            #expect(try counted("acme-corp") == expected)
            #expect(try counted("beta") == [.accepted: [1, 2], .cancelled: [1, 2]])
            try journal.purge(finishedBefore: 1_000, keepAtMost: 0)
            expected[.stored] = nil
            expected[.cancelled] = nil
            #expect(try counted("acme-corp") == expected)
            #expect(try counted("beta") == [.accepted: [1, 2]])
            #expect(try journal.apply(.cancelled(7, at: 30)))
            try journal.purge(finishedBefore: 1_000, keepAtMost: 0)
            #expect(try counted("beta") == [:])
            #expect(journal.size > 0)
        }
    }

    /// Only a later job for the same destination that is stored stands in an earlier one's way.
    @Test func hasLaterStored() throws {
        try scratch.withJournal { journal throws in
            let destination = NewJob.sample().destination
            for name in ["model.pt", "other", "model.pt", "model.pt"] { _ = try journal.sequence(of: .sample(name)) }
            for sequence: Int64 in [2, 3] {
                #expect(try !journal.hasLaterStored(than: 1, destination: destination))
                #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
                #expect(try journal.apply(.stored(sequence, .sample, at: 20)))
            }
            #expect(try journal.hasLaterStored(than: 1, destination: destination))
            #expect(try !journal.hasLaterStored(than: 3, destination: destination))
        }
    }

    /// A spool file is in use while its job is on its way or can be retried.
    @Test func spoolNames() throws {
        try scratch.withJournal { journal throws in
            for index in 1...4 { _ = try journal.sequence(of: .sample("\(index)")) }
            _ = try journal.sequence(of: .sample("inline", inlineBytes: [1]))
            for change: Change in [
                .failed(2, ArtifactError(.sourceLost, "gone"), at: 20), .began(3, encoding: .identity, at: 20),
                .stored(3, .sample, at: 20), .cancelled(4, at: 20),
            ] { #expect(try journal.apply(change)) }
            #expect(try journal.spoolNames() == ["spool-1", "spool-2"])
        }
    }
}
