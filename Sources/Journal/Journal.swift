public import ArtifactModel
import GRDB
import WorkerPool

/// What the daemon has promised and how far it has come, on disk.
///
/// SQLite through exactly one connection, write-ahead log, fsync at every commit. All writes go through one thread of the
/// journal's own, which commits what arrives together at once. Writes come in the order of their submission, and their answers too.
/// All calls that take no completion block: call them on owned threads, and never from a completion, which runs on that thread.
///
/// Must be closed; it does not close itself.
public final class Journal: Sendable {
    /// Where a damaged journal was moved to when this one was opened in its place; nil when there was none. Jobs that only it
    /// knew are not in this journal, and their files in the spool are not in `spoolNames`.
    public let setAside: String?
    /// Whether this journal was made when it was opened: then it knows none of the files that lie in the spool.
    public let isNew: Bool
    /// A random UUID in its text form, made once for every journal.
    public let daemonID: String

    let database: DatabaseQueue
    /// The time, in Unix milliseconds.
    let now: @Sendable () -> Int64
    private let place: JournalPlace
    private let writer: GroupCommit
    private let thread: OwnedThread

    /// Opens the journal in a directory that exists; makes it where there is none, brings an older one up to date, and sets a
    /// damaged one aside.
    /// - Parameter now: the time, in Unix milliseconds; called from any thread.
    /// - Throws: `conflict` for a journal of a newer version, of which nothing is touched; `busy` when the disk has no room for a
    ///   journal at all; `localStorageFailed` when the directory or its file system does not do.
    public static func open(
        directory: String, now: @escaping @Sendable () -> Int64
    ) throws(ArtifactError) -> Journal {
        let file = JournalFile(directory: directory)
        let reserve = Reserve(directory: directory)
        let (database, setAside, isNew) = try file.open(reserve: reserve, now: now())
        let condition = try JournalCondition(holding: reserve, in: directory, now: now())
        if condition == .ok { file.lengthenLog() }
        let place = JournalPlace(of: file.path)
        let writer = GroupCommit(
            database: database, directory: directory, place: place, reserve: reserve, condition: condition, now: now)
        do {
            let daemonID = try database.inDatabase { db in
                try String.fetchOne(db, sql: "SELECT value FROM facts WHERE topic = 'daemon' AND name = 'id'")
            }
            guard let daemonID else {
                throw ArtifactError(.internalFault, "the journal in '\(directory.escapedForLog)' has lost the daemon's id")
            }
            let thread = try OwnedThread(name: "journal") { writer.run() }
            return Journal(
                setAside: setAside, isNew: isNew, daemonID: daemonID, database: database, now: now, place: place,
                writer: writer, thread: thread)
        } catch let error as ArtifactError {
            throw error
        } catch {
            throw ArtifactError(
                .localStorageFailed, "the journal in '\(directory.escapedForLog)' could not be opened", cause: "\(error)")
        }
    }

    private init(
        setAside: String?, isNew: Bool, daemonID: String, database: DatabaseQueue, now: @escaping @Sendable () -> Int64,
        place: JournalPlace, writer: GroupCommit, thread: OwnedThread
    ) {
        self.setAside = setAside
        self.isNew = isNew
        self.daemonID = daemonID
        self.database = database
        self.now = now
        self.place = place
        self.writer = writer
        self.thread = thread
    }

    /// Answers what waits, then closes the file. What is submitted later is refused as `shuttingDown`.
    /// - Throws: `localStorageFailed` when the log could not be emptied; it is read again at the next start, and nothing is lost.
    public func close() throws(ArtifactError) {
        writer.close()
        thread.join()
        let emptied = Result { try database.writeWithoutTransaction { db in try db.checkpoint(.truncate) } }
        do {
            try database.close()
            _ = try emptied.get()
        } catch {
            throw ArtifactError(.localStorageFailed, "the journal could not be closed in order", cause: "\(error)")
        }
    }

    /// Whether hand-overs are taken, and why not.
    public var condition: JournalCondition { writer.condition }

    /// The bytes that the journal takes on the disk: its file and the write-ahead log.
    public var size: UInt64 { place.size }

    // MARK: Writing

    /// Journals a hand-over. The completion says that it is committed and fsynced: only then may a client be answered.
    ///
    /// It fails as `idempotencyConflict` where the key belongs to a job with another destination, size or compression; for an
    /// artifact of a run as `notFound` where there is no such run here, `tenantMismatch` where it is another tenant's, `conflict`
    /// where it has ended (a job that its key finds is told all the same); as `busy` while the disk is full; as `localStorageFailed` where the journal cannot be written, or where it is unknown whether it was.
    /// - Parameter completion: runs on the writer's thread right after the commit, in the order of submission, and must not block.
    public func accept(_ job: NewJob, completion: @escaping @Sendable (Result<Acceptance, ArtifactError>) -> Void) {
        writer.submit(
            GroupCommit.Entry(isPromise: true, isPressing: true, body: { db in try job.insert(into: db) }, completion: completion)
        )
    }

    /// Journals a step in a job's life, within a few milliseconds: for `apply` and `accept` at once.
    /// - Parameter completion: as in `accept`; true when the job was in a state that allowed it. After a failure the same change
    ///   may be submitted again.
    public func submit(_ change: Change, completion: (@Sendable (Result<Bool, ArtifactError>) -> Void)? = nil) {
        writer.submit(
            GroupCommit.Entry(isPromise: change.isPromise, isPressing: false, body: { db in try change.apply(to: db) }) {
                completion?($0)
            })
    }

    /// As `submit`, and waits for the commit.
    public func apply(_ change: Change) throws(ArtifactError) -> Bool {
        try write(isPromise: change.isPromise) { db in try change.apply(to: db) }
    }

    /// Runs statements on the writer's thread, in order with hand-overs and changes.
    func submit<Value: Sendable>(
        completion: @escaping @Sendable (Result<Value, ArtifactError>) -> Void,
        _ body: @escaping @Sendable (Database) throws -> Value
    ) {
        writer.submit(GroupCommit.Entry(isPromise: false, isPressing: true, body: body, completion: completion))
    }

    /// Runs statements on the writer's thread and waits for the commit.
    func write<Value: Sendable>(
        isPromise: Bool = false, _ body: @escaping @Sendable (Database) throws -> Value
    ) throws(ArtifactError) -> Value {
        let outcome = Monitor<Result<Value, ArtifactError>?>(nil)
        writer.submit(
            GroupCommit.Entry(isPromise: isPromise, isPressing: true, body: body) { result in
                outcome.withLock { $0 = result }
                outcome.signal()
            })
        return try outcome.wait { $0 }.get()
    }
}
