import ArtifactModel
import GRDB
import Glibc

/// The journal's file: making it, opening and checking it, setting a damaged one aside.
struct JournalFile {
    let directory: String
    var path: String { "\(directory)/journal.sqlite" }

    /// Why a file cannot be a journal (any more).
    private struct Damage: Error {}

    /// Opens the journal; makes it first where there is none, or where what is there is damaged. Where there is no room even for
    /// that, the reserve is given up: what was accepted must go on.
    /// - Parameter now: Unix time in milliseconds, for the name of what is set aside.
    /// - Returns: the one connection, where a damaged file now lies, and whether the journal was made.
    func open(
        reserve: Reserve, now: Int64
    ) throws(ArtifactError) -> (database: DatabaseQueue, setAside: String?, isNew: Bool) {
        var setAside: String?
        let isThere = Self.exists(path)
        do {
            let database: DatabaseQueue
            do {
                database = try openOrMake(&setAside, now: now)
            } catch  where StorageFault(error, probe: reserve.probe).isNoSpace {
                reserve.release()
                database = try openOrMake(&setAside, now: now)
            }
            return (database, setAside, !isThere || setAside != nil)
        } catch let error as ArtifactError {
            throw error
        } catch {
            let fault = StorageFault(error, probe: reserve.probe)
            if fault.isNoSpace { throw fault.error(in: directory) }
            throw ArtifactError(
                .localStorageFailed, "the journal '\(path.escapedForLog)' could not be opened; see to its directory",
                cause: "\(error)")
        }
    }

    private func openOrMake(_ setAside: inout String?, now: Int64) throws -> DatabaseQueue {
        if isDamagedAtFirstSight { setAside = try moveAside(now: now) }
        if !Self.exists(path) { try create() }
        do {
            return try openChecked()
        } catch is Damage {
            setAside = try moveAside(now: now)
            try create()
            return try openChecked()
        }
    }

    /// An empty file, or a log without its database: SQLite would take either for a new journal. Ours is never empty, as it gets
    /// its name only once it is whole.
    private var isDamagedAtFirstSight: Bool {
        guard let size = Self.size(path) else { return (Self.size("\(path)-wal") ?? 0) > 0 }
        return size == 0
    }

    // MARK: Making

    private func create() throws {
        let fresh = "\(path).new"
        for suffix in ["", "-wal", "-shm"] where Self.exists(fresh + suffix) {
            guard unlink(fresh + suffix) == 0 else { throw failure("could not be replaced", at: fresh + suffix) }
        }
        // SQLite gives its log the mode of the database, and the journal holds the clients' bytes.
        let descriptor = Glibc.open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("could not be created", at: fresh) }
        close(descriptor)
        let database = try connect(to: fresh)
        try Schema.migrator.migrate(database)
        _ = try database.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        try database.close()
        guard rename(fresh, path) == 0 else { throw failure("could not be named", at: path) }
        try syncDirectory()
    }

    // MARK: Opening

    /// Opens the file as the one connection.
    ///
    /// GRDB's `journalMode = .wal` would set `synchronous` to NORMAL after `prepareDatabase`, and every promise would be a lie; so
    /// it is left alone, both are set here, and both are asserted.
    private func connect(to path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "journal"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // What a burst made of the log is given back at the next checkpoint.
            try db.execute(sql: "PRAGMA journal_size_limit = \(16 << 20)")
        }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        let (mode, synchronous) = try database.inDatabase { db in
            (try String.fetchOne(db, sql: "PRAGMA journal_mode"), try Int.fetchOne(db, sql: "PRAGMA synchronous"))
        }
        guard mode == "wal", synchronous == 2 else {
            throw ArtifactError(
                .localStorageFailed,
                "the journal '\(path.escapedForLog)' cannot be written safely; put the state directory on a local file system",
                cause: "journal_mode is \(mode ?? "unknown") and not wal, or synchronous is \(synchronous ?? -1) and not 2")
        }
        return database
    }

    private func openChecked() throws -> DatabaseQueue {
        do {
            let database = try connect(to: path)
            try database.inDatabase { db in
                guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok",
                    try Int32.fetchOne(db, sql: "PRAGMA application_id") == Schema.applicationID
                else { throw Damage() }
                if try Schema.migrator.hasBeenSuperseded(db) {
                    throw ArtifactError(
                        .conflict,
                        "the journal '\(path.escapedForLog)' was made by a newer version of artifactd; start that one, "
                            + "or use another state directory")
                }
            }
            try Schema.migrator.migrate(database)
            return database
        } catch DatabaseError.SQLITE_CORRUPT, DatabaseError.SQLITE_NOTADB {
            throw Damage()
        }
    }

    // MARK: The log

    /// The log's length from the start on, in bytes: what it reaches before a checkpoint (1,000 pages of 4 KiB) lets SQLite begin
    /// it anew, and some more for the commit that leads there.
    static let logLength = 5 << 20

    /// Fills the log up with zeros, which SQLite reads as its end (their checksum is wrong).
    ///
    /// A commit then overwrites blocks that the file has. One that lengthens the file makes its fdatasync commit the file system's
    /// own journal too, with whatever else waits there: the trainer's files. For the same reason the blocks are written and not
    /// just allocated. Where that fails the log grows with each commit, which costs time and nothing else.
    func lengthenLog() {
        let descriptor = Glibc.open("\(path)-wal", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = Int(lseek(descriptor, 0, SEEK_END))
        guard length >= 0, length < Self.logLength else { return }
        let zeros = [UInt8](repeating: 0, count: 4096)
        // Page by page: the page cache would hold one long write in large folios, and each commit then goes through all of one.
        let places = stride(from: length, to: Self.logLength, by: zeros.count)
        guard places.allSatisfy({ pwrite(descriptor, zeros, zeros.count, off_t($0)) == zeros.count }), fsync(descriptor) == 0
        else {
            // What is there in part would take room from the commits to come.
            ftruncate(descriptor, off_t(length))
            return
        }
    }

    // MARK: Setting aside

    /// Renames the file and what belongs to it, and returns the new name.
    private func moveAside(now: Int64) throws(ArtifactError) -> String {
        var time = now
        while Self.exists("\(path).corrupt-\(time)") { time += 1 }
        let target = "\(path).corrupt-\(time)"
        for suffix in ["", "-wal", "-shm"] where Self.exists(path + suffix) {
            guard rename(path + suffix, target + suffix) == 0 else { throw failure("could not be set aside", at: path + suffix) }
        }
        try syncDirectory()
        return target
    }

    // MARK: The directory

    /// Makes names durable: fsync of a file says nothing about its directory's entry (fsync(2)).
    private func syncDirectory() throws(ArtifactError) {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("could not be opened", at: directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("could not be synced", at: directory) }
    }

    private func failure(_ what: String, at path: String) -> ArtifactError {
        let cause = String(cString: strerror(errno))
        return ArtifactError(.localStorageFailed, "'\(path.escapedForLog)' \(what); see to the state directory", cause: cause)
    }

    private static func exists(_ path: String) -> Bool { size(path) != nil }

    private static func size(_ path: String) -> Int64? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int64(status.st_size) : nil
    }
}
