import ArtifactModel
import Foundation
import GRDB
import Testing

@testable import Journal

@Suite struct JournalFileTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Fills a journal with so many jobs that it spans many pages, and closes it.
    private func fill() throws {
        try scratch.withJournal { journal throws in
            for index in 0..<40 {
                _ = try journal.sequence(of: .sample("\(index)", inlineBytes: Array(repeating: 7, count: 5000)))
            }
        }
    }

    /// Opens what must have been set aside, and finds a new journal that works.
    private func expectSetAside(keeping content: Data) throws {
        try scratch.withJournal { journal throws in
            #expect(journal.setAside == "\(scratch.path)/journal.sqlite.corrupt-1000")
            #expect(journal.isNew)
            #expect(try scratch.bytes(of: "journal.sqlite.corrupt-1000") == content)
            #expect(try journal.pending(limit: 1).isEmpty)
            #expect(try journal.sequence(of: .sample()) == 1)
        }
        try scratch.withJournal { journal throws in
            #expect(journal.setAside == nil)
            #expect(!journal.isNew)
            #expect(try journal.pending(limit: 10).count == 1)
        }
    }

    /// Every commit is fsynced: the write-ahead log with synchronous=FULL, on the connection that is used.
    @Test func modes() throws {
        try scratch.withJournal { journal throws in
            let modes = try journal.database.inDatabase { db in
                (try String.fetchOne(db, sql: "PRAGMA journal_mode"), try Int.fetchOne(db, sql: "PRAGMA synchronous"))
            }
            #expect(modes == ("wal", 2))
        }
    }

    /// A closed journal is one file, beside the reserve; the journal is for nobody else to read, nor is its log.
    @Test func files() throws {
        try scratch.withJournal { _ in
            for name in ["journal.sqlite", "journal.sqlite-wal", "journal.reserve"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/\(name)")
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
            }
        }
        #expect(try scratch.names == ["journal.reserve", "journal.sqlite"])
        #expect(try scratch.bytes(of: "journal.reserve").count == 4 << 20)
    }

    /// The log has from the start on the room that it needs, so that no commit's fsync has to lengthen a file.
    @Test func roomForTheLog() throws {
        func length() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/journal.sqlite-wal")[.size] as? Int
        }
        for _ in 0..<2 {
            try scratch.withJournal { journal throws in
                #expect(try length() == JournalFile.logLength)
                // Past two checkpoints.
                for index in 0..<40 {
                    let key: [UInt8] = [UInt8(index)] + Array(repeating: 7, count: 250_000)
                    _ = try journal.sequence(of: .sample("\(index)", inlineBytes: key))
                    #expect(try length() == JournalFile.logLength)
                }
            }
        }
    }

    /// A log that is longer than what was committed to it gives back what was, after an end without a close.
    @Test func roomBehindTheCommits() throws {
        let left = try Scratch()
        let id = try scratch.withJournal { journal throws in
            let job = NewJob.sample("job", inlineBytes: [1, 2, 3])
            _ = try journal.sequence(of: job)
            for name in ["journal.sqlite", "journal.sqlite-wal"] { try left.write(try scratch.bytes(of: name), to: name) }
            return job.id
        }
        try left.withJournal { journal throws in
            #expect(journal.setAside == nil)
            #expect(try journal.pending(limit: 10).map(\.job.id) == [id])
        }
    }

    /// What is damaged in its middle, cut, emptied, or no database at all is kept under another name, and a new one begun.
    @Test(arguments: ["garbage inside", "cut", "emptied", "text", "another database"])
    func damaged(how: String) throws {
        try fill()
        var content = try scratch.bytes(of: "journal.sqlite")
        switch how {
        case "garbage inside": content.replaceSubrange(8192..<65536, with: Data(repeating: 0xA5, count: 65536 - 8192))
        case "cut": content = content.prefix(content.count / 2)
        case "emptied": content = Data()
        case "text": content = Data("this is no database\n".utf8)
        default:
            let other = try DatabaseQueue(path: "\(scratch.path)/other")
            try other.inDatabase { db in try db.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE t (x)") }
            try other.close()
            content = try scratch.bytes(of: "other")
        }
        try scratch.write(content, to: "journal.sqlite")
        try expectSetAside(keeping: content)
    }

    /// A log without its database is set aside too: SQLite would delete it.
    @Test func lostDatabase() throws {
        let log = Data(repeating: 1, count: 100)
        try scratch.write(log, to: "journal.sqlite-wal")
        try scratch.withJournal { journal throws in
            #expect(journal.setAside == "\(scratch.path)/journal.sqlite.corrupt-1000")
            #expect(try scratch.bytes(of: "journal.sqlite.corrupt-1000-wal") == log)
        }
    }

    /// What was set aside before, in the same millisecond, is not replaced.
    @Test func setAsideTwice() throws {
        for _ in 0..<2 {
            try scratch.write(Data("text".utf8), to: "journal.sqlite")
            try scratch.withJournal { _ in () }
        }
        #expect(
            try scratch.names.filter { $0.contains("corrupt") } == ["journal.sqlite.corrupt-1000", "journal.sqlite.corrupt-1001"])
    }

    /// A journal that was being made when the daemon ended is made anew.
    @Test func halfMade() throws {
        try scratch.write(Data("half".utf8), to: "journal.sqlite.new")
        try scratch.write(Data("half".utf8), to: "journal.sqlite.new-wal")
        try scratch.withJournal { journal throws in #expect(journal.setAside == nil) }
        #expect(try scratch.names == ["journal.reserve", "journal.sqlite"])
    }

    /// A journal of a newer version is refused with the way out, and not touched.
    @Test func newerVersion() throws {
        try fill()
        let newer = try DatabaseQueue(path: "\(scratch.path)/journal.sqlite")
        try newer.inDatabase { db in try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('3 from the future')")
        }
        try newer.close()
        let content = try scratch.bytes(of: "journal.sqlite")
        let error = try #require(throws: ArtifactError.self) { try scratch.withJournal { _ in () } }
        #expect(error.code == .conflict)
        #expect(error.message.contains("newer version"))
        #expect(try scratch.bytes(of: "journal.sqlite") == content)
        #expect(try !scratch.names.contains { $0.contains("corrupt") })
    }

    /// A directory that is not there is an error that names it.
    @Test func noDirectory() throws {
        let path = "\(scratch.path)/none"
        let error = try #require(throws: ArtifactError.self) { try Journal.open(directory: path, now: { 0 }).close() }
        #expect(error.code == .localStorageFailed)
        #expect(error.message.contains(path))
    }
}
