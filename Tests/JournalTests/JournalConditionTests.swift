import ArtifactModel
import Foundation
import GRDB
import Glibc
import Testing
import WorkerPool

@testable import Journal

@Suite struct JournalConditionTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Runs the body with a file system of 24 MiB mounted on the scratch directory.
    private func onSmallDisk(_ body: () throws -> Void) throws {
        try #require(
            mount("journal", scratch.path, "tmpfs", 0, "size=24m") == 0,
            "this test mounts a tmpfs and must run as root: \(String(cString: strerror(errno)))")
        defer { #expect(umount2(scratch.path, 0) == 0) }
        try body()
    }

    /// Fills the disk to its last page.
    private func fillDisk() throws {
        let descriptor = Glibc.open("\(scratch.path)/ballast", O_WRONLY | O_CREAT, 0o600)
        try #require(descriptor >= 0)
        defer { Glibc.close(descriptor) }
        let page = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, page, page.count) > 0 {}
        try #require(errno == ENOSPC)
    }

    private func error(_ body: () throws -> Void) throws -> ArtifactError {
        try #require(throws: ArtifactError.self, performing: body)
    }

    /// On a full disk hand-overs are refused as busy, the jobs at hand come to their end in the room of the reserve, nothing that
    /// was accepted is lost and nothing that was refused is there; with room again, hand-overs are taken again.
    @Test func fullDisk() throws {
        try onSmallDisk {
            var accepted: [JobID] = []
            var refused: [JobID] = []
            try scratch.withJournal { journal throws in
                let first = NewJob.sample("first", inlineBytes: [1])
                accepted.append(first.id)
                let sequence = try journal.sequence(of: first)
                #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
                try fillDisk()
                for index in 0..<1_000 where refused.isEmpty {
                    let job = NewJob.sample("\(index)", inlineBytes: Array(repeating: 1, count: 60_000))
                    do {
                        _ = try journal.sequence(of: job)
                        accepted.append(job.id)
                    } catch let error as ArtifactError {
                        #expect(error.code == .busy)
                        #expect(error.message.contains(scratch.path))
                        refused.append(job.id)
                    }
                }
                guard case .full(since: 1_000, _) = journal.condition else {
                    Issue.record("the condition is \(journal.condition)")
                    return
                }
                #expect(try !scratch.names.contains("journal.reserve"))

                #expect(try journal.apply(.stored(sequence, .sample, at: 30)))
                let another = NewJob.sample("another")
                refused.append(another.id)
                #expect(try error { _ = try journal.accept(another) }.code == .busy)

                try FileManager.default.removeItem(atPath: "\(scratch.path)/ballast")
                let last = NewJob.sample("last")
                accepted.append(last.id)
                _ = try journal.sequence(of: last)
                #expect(journal.condition == .ok)
                #expect(try scratch.names.contains("journal.reserve"))
            }
            try scratch.withJournal { journal throws in
                #expect(try journal.records(JobQuery(limit: 2_000)).map(\.id) == accepted)
                for id in refused { #expect(try journal.record(id) == nil) }
                #expect(try journal.jobs(in: .stored) == 1)
            }
        }
    }

    /// Hand-overs and changes that meet a full disk in one commit: the hand-over is refused, the change made.
    @Test func fullDiskSharedCommit() throws {
        try onSmallDisk {
            try scratch.withJournal { journal throws in
                let sequence = try journal.sequence(of: .sample())
                try fillDisk()
                // One commit that no free page of the log can take, and with it the change.
                let answers = Monitor<[String]>([])
                let large = NewJob.sample("large", inlineBytes: Array(repeating: 1, count: 8 << 20))
                for job in [large, .sample("small")] {
                    journal.accept(job) { result in
                        if case .failure(let error) = result { answers.withLock { $0.append("\(error.code)") } }
                        answers.signal()
                    }
                }
                #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
                #expect(answers.withLock { $0 } == ["busy", "busy"])
                #expect(try journal.pending(limit: 10).map(\.state) == [.uploading])
            }
        }
    }

    /// A journal that is opened on a full disk gives its reserve up for the jobs at hand, says so, and takes hand-overs once there
    /// is room.
    @Test func openedOnFullDisk() throws {
        try onSmallDisk {
            let sequence = try scratch.withJournal { journal throws in try journal.sequence(of: .sample()) }
            try fillDisk()
            try scratch.withJournal { journal throws in
                #expect(journal.condition == .full(since: 1_000, reason: "No space left on device"))
                #expect(try error { _ = try journal.accept(.sample()) }.code == .busy)
                #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
                try FileManager.default.removeItem(atPath: "\(scratch.path)/ballast")
                _ = try journal.sequence(of: .sample())
                #expect(journal.condition == .ok)
            }
        }
    }

    /// Where there is no room to lengthen the log ahead, hand-overs are taken as long as there is room for them.
    @Test func noRoomForTheLog() throws {
        try onSmallDisk {
            try scratch.withJournal { _ in () }
            try fillDisk()
            let ballast = try scratch.bytes(of: "ballast").count
            try #require(truncate("\(scratch.path)/ballast", off_t(ballast - JournalFile.logLength / 2)) == 0)
            try scratch.withJournal { journal throws in
                #expect(try scratch.bytes(of: "journal.sqlite-wal").count < JournalFile.logLength / 4)
                _ = try journal.sequence(of: .sample())
                #expect(journal.condition == .ok)
            }
        }
    }

    /// Where a full disk has no room for a journal at all, that is said, and what is there is left alone.
    @Test func noRoomAtAll() throws {
        try onSmallDisk {
            try scratch.withJournal { journal throws in _ = try journal.sequence(of: .sample()) }
            try FileManager.default.removeItem(atPath: "\(scratch.path)/journal.reserve")
            try fillDisk()
            let fault = try error { try scratch.withJournal { _ in () } }
            #expect(fault.code == .busy)
            #expect(fault.message.contains("full"))
            try FileManager.default.removeItem(atPath: "\(scratch.path)/ballast")
            try scratch.withJournal { journal throws in
                #expect(journal.setAside == nil)
                #expect(try journal.pending(limit: 10).count == 1)
            }
        }
    }

    /// A journal that cannot be written refuses hand-overs and changes, answers questions all the same, and recovers.
    @Test func readOnly() throws {
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample())
            try journal.database.inDatabase { db in try db.execute(sql: "PRAGMA query_only = 1") }
            for _ in 0..<2 {
                #expect(try error { _ = try journal.accept(.sample()) }.code == .localStorageFailed)
                guard case .readOnly = journal.condition else {
                    Issue.record("the condition is \(journal.condition)")
                    return
                }
            }
            #expect(try error { _ = try journal.apply(.cancelled(sequence, at: 20)) }.code == .localStorageFailed)
            #expect(try journal.pending(limit: 10).map(\.sequence) == [sequence])
            try journal.database.inDatabase { db in try db.execute(sql: "PRAGMA query_only = 0") }
            _ = try journal.sequence(of: .sample())
            #expect(journal.condition == .ok)
        }
    }

    /// After a failed fsync nothing is promised any more until a restart, although later ones succeed; what is only progress is
    /// still taken down.
    @Test func failedSync() throws {
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample())
            let failed = try error {
                try journal.write { _ in throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC, message: "disk I/O error") }
            }
            #expect(failed.code == .localStorageFailed)
            #expect(journal.condition == .failed(reason: "fsync failed: disk I/O error"))
            let refused = try error { _ = try journal.accept(.sample()) }
            #expect(refused.code == .localStorageFailed && refused.message.contains("restart artifactd"))
            let durable = Change.pinned(sequence, .spool, spoolName: "copy", fingerprint: nil, level: .durable)
            #expect(try error { _ = try journal.apply(durable) }.code == .localStorageFailed)
            #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
            #expect(journal.condition == .failed(reason: "fsync failed: disk I/O error"))
        }
        try scratch.withJournal { journal throws in
            #expect(journal.condition == .ok)
            #expect(try journal.pending(limit: 10).map(\.state) == [.uploading])
        }
    }

    /// With a file of the journal moved away, deleted or replaced nothing more is promised; once it is back, it is again. The jobs
    /// at hand go on meanwhile.
    @Test(arguments: ["journal.sqlite", "journal.sqlite-wal"])
    func displaced(name: String) throws {
        let path = "\(scratch.path)/\(name)"
        try scratch.withJournal { journal throws in
            let sequence = try journal.sequence(of: .sample())
            try #require(rename(path, "\(path).away") == 0)
            for state in ["moved away or deleted", "replaced"] {
                #expect(journal.condition == .displaced(reason: "'\(path)' was \(state)"))
                let refused = try error { _ = try journal.accept(.sample()) }
                #expect(refused.code == .localStorageFailed)
                #expect(refused.message.contains("'\(path)' was \(state)") && refused.message.contains("artifactctl wait"))
                let durable = Change.pinned(sequence, .spool, spoolName: "copy", fingerprint: nil, level: .durable)
                #expect(try error { _ = try journal.apply(durable) }.code == .localStorageFailed)
                #expect(try journal.apply(.began(sequence, encoding: .identity, at: 20)))
                try scratch.write(Data(), to: name)
            }
            try #require(rename("\(path).away", path) == 0)
            #expect(journal.condition == .ok)
            _ = try journal.sequence(of: .sample())
        }
        try scratch.withJournal { journal throws in
            #expect(!journal.isNew)
            #expect(try journal.pending(limit: 10).map(\.state) == [.uploading, .accepted])
        }
    }

    /// A write that fails for a fault of its own is refused and undone, and the next one goes through.
    @Test func passing() throws {
        try scratch.withJournal { journal throws in
            let fault = try error {
                try journal.write { db in
                    try db.execute(sql: "DELETE FROM totals")
                    try db.execute(sql: "nonsense")
                }
            }
            #expect(fault.code == .internalFault)
            #expect(journal.condition == .ok)
            _ = try journal.sequence(of: .sample())
            #expect(try journal.jobs(in: .accepted) == 1)
        }
    }
}
