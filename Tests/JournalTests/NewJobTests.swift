import ArtifactModel
import Testing

@testable import Journal

@Suite struct NewJobTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Every field of a hand-over is read back as it was, also where the optional ones are missing.
    @Test func roundTrip() throws {
        try scratch.withJournal { journal throws in
            let full = NewJob.sample("full", key: [0, 255, 7], inlineBytes: [0, 1, 2, 0])
            var bare = NewJob.sample("bare")
            bare.path = nil
            bare.fingerprint = nil
            bare.spoolName = nil
            for job in [full, bare] { _ = try journal.sequence(of: job) }
            let pending = try journal.pending(limit: 10)
            #expect(pending.map(\.job) == [full.withoutBytes, bare])
            #expect(pending.map(\.state) == [.accepted, .accepted])
            #expect(try journal.inlineBytes(pending[0].sequence) == [0, 1, 2, 0])
            #expect(try journal.inlineBytes(pending[1].sequence) == nil)
        }
    }

    /// A record tells of a new job what it was accepted with, and nothing of an upload.
    @Test func record() throws {
        try scratch.withJournal { journal throws in
            let job = NewJob.sample()
            let sequence = try journal.sequence(of: job)
            let expected = JobRecord(
                id: job.id, sequence: sequence, uid: 1000, tenant: "acme-corp", destination: job.destination, label: job.label,
                size: 5, state: .accepted, level: .accepted, pin: .link, compression: .auto, kind: .model,
                contentType: "application/octet-stream", acceptedAt: 10, updatedAt: 10)
            #expect(try journal.record(job.id) == expected)
            #expect(try journal.record(.make(unixMilliseconds: 2)) == nil)
        }
    }

    /// The same key with the same content is the same job, although the file's inode and time may differ.
    @Test func duplicate() throws {
        try scratch.withJournal { journal throws in
            let first = NewJob.sample(key: [1])
            let sequence = try journal.sequence(of: first)
            var second = NewJob.sample(key: [1])
            second.fingerprint?.inode = 4
            let record = try #require(try journal.record(first.id))
            #expect(try journal.accept(second) == .duplicate(record))
            #expect(try journal.pending(limit: 10).map(\.sequence) == [sequence])
        }
    }

    /// A key is scoped by uid and tenant: another's key is another key. Jobs without one are never the same.
    @Test func keysAreScoped() throws {
        try scratch.withJournal { journal throws in
            let jobs: [NewJob] = [
                .sample(key: [1]), .sample(uid: 2, key: [1]), .sample(tenant: "other", key: [1]), .sample(key: []), .sample(),
                .sample(),
            ]
            let sequences = try jobs.map(journal.sequence)
            #expect(Set(sequences).count == jobs.count)
        }
    }

    /// The same key with another destination, size or compression is a conflict that names the job and what differs.
    @Test(arguments: [
        (NewJob.sample("other", key: [1]), "destination 's3://bucket/runs/1/artifacts/model.pt'"),
        (NewJob.sample(key: [1], size: 6), "5 bytes"),
        (NewJob.sample(key: [1], compression: .none), "compression 'auto'"),
    ])
    func conflict(second: NewJob, difference: String) throws {
        try scratch.withJournal { journal throws in
            let first = NewJob.sample(key: [1])
            _ = try journal.sequence(of: first)
            let error = try #require(throws: ArtifactError.self) { try journal.accept(second) }
            #expect(error.code == .idempotencyConflict)
            #expect(error.message.contains("\(first.id)") && error.message.contains(difference))
            #expect(try journal.record(second.id) == nil)
        }
    }

    /// A request that is sent again after its source was renewed is still the same job, with the old size and with the new one.
    @Test func duplicateOfRenewed() throws {
        try scratch.withJournal { journal throws in
            let job = NewJob.sample(key: [1])
            let sequence = try journal.sequence(of: job)
            let fingerprint = SourceFingerprint(device: 1, inode: 2, size: 9, modifiedNanoseconds: 3)
            #expect(try journal.apply(.sourceRenewed(sequence, fingerprint: fingerprint, size: 9)))
            let record = try #require(try journal.record(job.id))
            #expect(record.size == 9)
            for size: UInt64 in [5, 9] { #expect(try journal.accept(.sample(key: [1], size: size)) == .duplicate(record)) }
            #expect(throws: ArtifactError.self) { try journal.accept(.sample(key: [1], size: 6)) }
        }
    }

    /// A job that cannot be journalled is refused alone: others in the same commit are accepted.
    @Test func refusedAlone() throws {
        try scratch.withJournal { journal throws in
            let job = NewJob.sample(inlineBytes: [1])
            _ = try journal.sequence(of: job)
            #expect(try #require(throws: ArtifactError.self) { try journal.accept(job) }.code == .conflict)
            let tooLarge = NewJob.sample(size: .max)
            #expect(try #require(throws: ArtifactError.self) { try journal.accept(tooLarge) }.code == .tooLarge)
            _ = try journal.sequence(of: .sample())
            #expect(try journal.pending(limit: 10).count == 2)
        }
    }
}
