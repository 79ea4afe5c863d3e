import ArtifactModel
import Testing

@testable import Journal

@Suite struct ChangeTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A job brought to a state, with an upload of two parts where the state can have one.
    private func job(in state: JobState, _ journal: Journal, inlineBytes: [UInt8]? = nil) throws -> Int64 {
        let sequence = try journal.sequence(of: .sample("\(state)", size: 500, inlineBytes: inlineBytes))
        let upload: [Change] = [
            .began(sequence, encoding: .zstd, at: 20),
            .uploadIntended(sequence, codec: "zstd-1", partSize: 100, at: 21),
            .uploadCreated(sequence, uploadID: "upload-\(state)"),
            .partSent(sequence, .sample(1)),
            .partSent(sequence, .sample(2)),
        ]
        let last: [Change] =
            switch state {
            case .accepted: []
            case .uploading: upload
            case .stored: upload + [.stored(sequence, .sample, at: 30)]
            case .failed: upload + [.failed(sequence, Self.error, at: 30)]
            case .cancelled: upload + [.cancelled(sequence, at: 30)]
            }
        for change in last { #expect(try journal.apply(change)) }
        return sequence
    }

    private static let error = ArtifactError(.storeUnavailable, "the store is down", cause: "503")
    private static let fingerprint = SourceFingerprint(device: 1, inode: 2, size: 9, modifiedNanoseconds: 3)

    /// A change, the states it can be taken from, and the state it leads to; nil where that stays.
    struct Rule: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let from: Set<JobState>
        let to: JobState?
        let change: @Sendable (Int64) -> Change

        init(_ name: String, from: Set<JobState>, to: JobState? = nil, _ change: @escaping @Sendable (Int64) -> Change) {
            testDescription = name
            self.from = from
            self.to = to
            self.change = change
        }
    }

    static let rules: [Rule] = [
        Rule("began", from: [.accepted, .uploading], to: .uploading) { .began($0, encoding: .gzip, at: 40) },
        Rule("upload created again", from: [.uploading]) { .uploadCreated($0, uploadID: "upload-uploading") },
        Rule("part sent", from: [.uploading]) { .partSent($0, .sample(3)) },
        Rule("upload reset", from: [.accepted, .uploading]) { .uploadReset($0) },
        Rule("stored", from: [.uploading], to: .stored) { .stored($0, .sample, at: 40) },
        Rule("failed", from: [.accepted, .uploading], to: .failed) { .failed($0, error, at: 40) },
        Rule("waiting", from: [.accepted, .uploading], to: .accepted) { .waiting($0, error, at: 40) },
        Rule("cancelled", from: [.accepted, .uploading, .failed], to: .cancelled) { .cancelled($0, at: 40) },
        Rule("retried", from: [.failed], to: .accepted) { .retried($0, at: 40) },
        Rule("pinned", from: [.accepted, .uploading, .failed]) {
            .pinned($0, .spool, spoolName: "copy", fingerprint: nil, level: .durable)
        },
        Rule("source renewed", from: [.accepted, .uploading]) { .sourceRenewed($0, fingerprint: fingerprint, size: 9) },
    ]

    /// Each change is made from the states that allow it and leads where it should; from any other it answers false and leaves
    /// the job exactly as it was. A job that is not there allows none.
    @Test(arguments: rules)
    func transitions(rule: Rule) throws {
        try scratch.withJournal { journal throws in
            for state in JobState.allCases {
                let sequence = try job(in: state, journal)
                let before = try journal.record(sequence: sequence)
                let isMade = try journal.apply(rule.change(sequence))
                let after = try #require(try journal.record(sequence: sequence))
                #expect(isMade == rule.from.contains(state), "from \(state)")
                if isMade { #expect(after.state == rule.to ?? state) } else { #expect(after == before) }
            }
            #expect(try !journal.apply(rule.change(999)))
        }
    }

    /// The start of an upload counts an attempt, sets the encoding and forgets why the one before ended.
    @Test func began() throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .uploading, journal)
            #expect(try journal.apply(.waiting(sequence, Self.error, at: 25)))
            var record = try #require(try journal.record(sequence: sequence))
            #expect(record.error == Self.error && record.updatedAt == 25 && record.bytesDone == 200)
            #expect(try journal.parts(sequence) == [.sample(1), .sample(2)])
            #expect(try journal.apply(.began(sequence, encoding: .identity, at: 26)))
            record = try #require(try journal.record(sequence: sequence))
            #expect(record.error == nil && record.updatedAt == 26 && record.attempts == 2 && record.encoding == .identity)
        }
    }

    /// The intent is there before the store is asked, and of several the first one's time is kept.
    @Test func uploadIntended() throws {
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample())
            let intent = Change.uploadIntended(sequence, codec: "none", partSize: 8, at: 21)
            #expect(try !journal.apply(intent))
            #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
            #expect(try !journal.apply(.uploadCreated(sequence, uploadID: "without intent")))
            #expect(try journal.apply(intent))
            #expect(try journal.apply(.uploadIntended(sequence, codec: "gzip-1", partSize: 9, at: 22)))
            var upload = PendingJob.Upload(intendedAt: 21, id: nil, codec: "gzip-1", partSize: 9)
            #expect(try journal.pendingJob(sequence)?.upload == upload)
            #expect(try !journal.apply(.partSent(sequence, .sample(1))))
            #expect(try journal.apply(.uploadCreated(sequence, uploadID: "u")))
            upload.id = "u"
            #expect(try journal.pendingJob(sequence)?.upload == upload)
            #expect(try !journal.apply(intent))
        }
    }

    /// An upload that the store created for a job that no longer wants it is noted among those to abort, until it is aborted.
    @Test func unwantedUpload() throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .uploading, journal)
            #expect(try !journal.apply(.uploadCreated(sequence, uploadID: "second")))
            let destination = NewJob.sample("uploading").destination
            #expect(try journal.uploadsToAbort() == [UploadToAbort(destination: destination, uploadID: "second")])
            #expect(try journal.apply(.uploadAborted(uploadID: "second")))
            #expect(try !journal.apply(.uploadAborted(uploadID: "second")))
            #expect(try journal.uploadsToAbort().isEmpty)
        }
    }

    /// A job's source is needed until it is stored or cancelled: a failed one's too.
    @Test(arguments: JobState.allCases)
    func holding(state: JobState) throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: state, journal)
            let record = try #require(try journal.record(sequence: sequence))
            let isHeld = state != .stored && state != .cancelled
            #expect(try journal.holdingJob(record.id)?.sequence == (isHeld ? sequence : nil))
        }
    }

    /// A part that is sent again replaces the earlier one, and the bytes done count it once.
    @Test func partSentAgain() throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .uploading, journal)
            var part = PartRecord.sample(2)
            part.etag = "again"
            #expect(try journal.apply(.partSent(sequence, part)))
            #expect(try journal.parts(sequence) == [.sample(1), part])
            #expect(try journal.record(sequence: sequence)?.bytesDone == 200)
        }
    }

    /// Forgetting an upload drops its parts and notes its id; new content sets size and fingerprint besides.
    @Test(arguments: [false, true])
    func uploadForgotten(sourceRenewed: Bool) throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .uploading, journal)
            let change: Change =
                sourceRenewed ? .sourceRenewed(sequence, fingerprint: Self.fingerprint, size: 9) : .uploadReset(sequence)
            #expect(try journal.apply(change))
            let job = try #require(try journal.pendingJob(sequence))
            #expect(job.upload == nil && job.state == .uploading)
            #expect(job.job.size == (sourceRenewed ? 9 : 500))
            #expect((job.job.fingerprint == Self.fingerprint) == sourceRenewed)
            #expect(try journal.parts(sequence).isEmpty)
            #expect(try journal.uploadsToAbort().map(\.uploadID) == ["upload-uploading"])
        }
    }

    /// A stored job tells the object's facts and all its bytes as done; its content and parts are gone, its upload not to be
    /// aborted.
    @Test func stored() throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .stored, journal, inlineBytes: [1, 2])
            let record = try #require(try journal.record(sequence: sequence))
            #expect(record.storedSize == 3 && record.etag == "\"e\"" && record.checksum == "crc32c:AAAAAA==")
            #expect(record.bytesDone == 500 && record.updatedAt == 30)
            #expect(try journal.inlineBytes(sequence) == nil)
            #expect(try journal.parts(sequence).isEmpty)
            #expect(try journal.uploadsToAbort().isEmpty)
            #expect(try journal.pendingJob(sequence) == nil)
            let raw = try journal.database.inDatabase { db in try db.firstRow("SELECT raw_checksum FROM jobs", []) }
            #expect(raw?["raw_checksum"] == "sha256:abc")
        }
    }

    /// A failed job keeps its content, pin and reason for a retry, which begins with nothing but the first intent; its upload is
    /// to be aborted.
    @Test func failedAndRetried() throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .failed, journal, inlineBytes: [1, 2])
            #expect(try journal.record(sequence: sequence)?.error == Self.error)
            #expect(try journal.inlineBytes(sequence) == [1, 2])
            #expect(try journal.parts(sequence).isEmpty)
            #expect(try journal.uploadsToAbort().map(\.uploadID) == ["upload-failed"])
            #expect(try journal.apply(.retried(sequence, at: 50)))
            let job = try #require(try journal.pendingJob(sequence))
            #expect(job.upload == PendingJob.Upload(intendedAt: 21, id: nil, codec: "zstd-1", partSize: 100))
            #expect(try journal.record(sequence: sequence)?.error == nil)
        }
    }

    /// A cancelled job lets go of its content and parts, and its upload is to be aborted.
    @Test func cancelled() throws {
        try scratch.withJournal { journal throws in
            let sequence = try job(in: .cancelled, journal, inlineBytes: [1, 2])
            #expect(try journal.inlineBytes(sequence) == nil)
            #expect(try journal.parts(sequence).isEmpty)
            #expect(try journal.uploadsToAbort().map(\.uploadID) == ["upload-cancelled"])
        }
    }

    /// A new pin is what recovery finds.
    @Test func pinned() throws {
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample())
            let change = Change.pinned(
                sequence, .spool, spoolName: "copy", fingerprint: Self.fingerprint, level: .durable)
            #expect(try journal.apply(change))
            let job = try #require(try journal.pendingJob(sequence)).job
            #expect(job.pin == .spool && job.spoolName == "copy" && job.fingerprint == Self.fingerprint && job.level == .durable)
        }
    }
}
