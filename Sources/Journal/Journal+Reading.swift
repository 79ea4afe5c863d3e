public import ArtifactModel
import GRDB

extension Journal {
    /// The accepted and uploading jobs, in the order of acceptance.
    /// - Parameters:
    ///   - after: the sequence of the last job of the page before; 0 from the beginning.
    ///   - limit: at most so many; a million jobs at once take a gigabyte.
    public func pending(after: Int64 = 0, limit: Int) throws(ArtifactError) -> [PendingJob] {
        // By sequence: the index by state would sort all that is left for every page.
        let sql = """
            SELECT \(PendingJob.columns) FROM jobs NOT INDEXED WHERE state IN \(States.pending) AND seq > ? ORDER BY seq LIMIT ?
            """
        return try read { db in try db.rows(sql, [after, limit], PendingJob.init) }
    }

    /// The job of that sequence, when it is accepted or uploading; else nil.
    public func pendingJob(_ sequence: Int64) throws(ArtifactError) -> PendingJob? {
        let sql = "SELECT \(PendingJob.columns) FROM jobs WHERE seq = ? AND state IN \(States.pending)"
        return try read { db in try db.firstRow(sql, [sequence]).map(PendingJob.init) }
    }

    /// The job of that id, when its source is still needed: accepted, uploading or failed; else nil.
    public func holdingJob(_ id: JobID) throws(ArtifactError) -> PendingJob? {
        let sql = "SELECT \(PendingJob.columns) FROM jobs WHERE id = ? AND state IN \(States.holding)"
        return try read { db in try db.firstRow(sql, [id.bytes.blob]).map(PendingJob.init) }
    }

    /// The confirmed parts of a job's upload, by rising number.
    public func parts(_ sequence: Int64) throws(ArtifactError) -> [PartRecord] {
        let sql = "SELECT \(PartRecord.columns) FROM parts WHERE seq = ? ORDER BY number"
        return try read { db in try db.rows(sql, [sequence], PartRecord.init) }
    }

    /// The content of a job whose pin is `inline`; nil for others, and once it is stored or cancelled.
    public func inlineBytes(_ sequence: Int64) throws(ArtifactError) -> [UInt8]? {
        try read { db in
            try db.firstRow("SELECT bytes FROM inline WHERE seq = ?", [sequence]).map { row in
                var column = ColumnReader(row)
                return try column.nextBytes()
            }
        }
    }

    /// What is told about a job; nil when the journal knows no such job (any more).
    public func record(_ id: JobID) throws(ArtifactError) -> JobRecord? {
        let sql = "SELECT \(JobRecord.columns) FROM jobs WHERE id = ?"
        return try read { db in try db.firstRow(sql, [id.bytes.blob]).map(JobRecord.init) }
    }

    /// The jobs that the query asks for, in the order of acceptance.
    public func records(_ query: JobQuery) throws(ArtifactError) -> [JobRecord] {
        var conditions = ["seq > ?"]
        var arguments: StatementArguments = [query.after ?? 0]
        if let states = query.states { conditions.append("state IN \(States.list(states))") }
        if let tenants = query.tenants {
            conditions.append("tenant IN (\(tenants.map { _ in "?" }.joined(separator: ", ")))")
            arguments += StatementArguments(tenants)
        }
        if let uid = query.uid {
            conditions.append("uid = ?")
            arguments += [uid]
        }
        let sql = "SELECT \(JobRecord.columns) FROM jobs WHERE \(conditions.joined(separator: " AND ")) ORDER BY seq LIMIT ?"
        arguments += [query.limit]
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map(JobRecord.init)
        }
    }

    /// How many jobs of each tenant stand in each state, and the bytes of their sources; nothing for a state without jobs.
    public func counts() throws(ArtifactError) -> [JobCount] {
        try read { db in
            try db.rows("SELECT tenant, state, jobs, bytes FROM totals WHERE jobs > 0", []) { row in
                var column = ColumnReader(row)
                return JobCount(
                    tenant: try column.next(), state: try column.nextCase(), jobs: try column.nextUnsigned(),
                    bytes: try column.nextUnsigned())
            }
        }
    }

    /// The multipart uploads that are still to be aborted; each is told off with `Change.uploadAborted`.
    public func uploadsToAbort() throws(ArtifactError) -> [UploadToAbort] {
        try read { db in
            try db.rows("SELECT destination, upload_id FROM aborts ORDER BY upload_id", []) { row in
                var column = ColumnReader(row)
                return UploadToAbort(destination: try column.next(), uploadID: try column.next())
            }
        }
    }

    /// Whether a job for this destination that was accepted later has been stored already. Then this one must not be: the later
    /// version remains.
    public func hasLaterStored(than sequence: Int64, destination: String) throws(ArtifactError) -> Bool {
        let sql = "SELECT 1 FROM jobs WHERE destination = ? AND seq > ? AND state = \(States.stored) LIMIT 1"
        return try read { db in try db.firstRow(sql, [destination, sequence]) != nil }
    }

    /// The names of the spool's files that a job still needs; a failed job's too, as it can be retried.
    public func spoolNames() throws(ArtifactError) -> Set<String> {
        let sql = "SELECT spool_name FROM jobs WHERE state IN \(States.holding) AND spool_name IS NOT NULL"
        return try read { db in try String.fetchSet(db, sql: sql) }
    }

    /// What was remembered of an endpoint's integrity; nil when nothing was.
    public func recall(endpoint: String) throws(ArtifactError) -> String? {
        try read { db in
            try String.fetchOne(db, sql: "SELECT value FROM facts WHERE topic = 'integrity' AND name = ?", arguments: [endpoint])
        }
    }

    /// Remembers what was found of an endpoint's integrity.
    public func remember(endpoint: String, integrity: String) throws(ArtifactError) {
        try write { db in
            _ = try db.run(
                "INSERT OR REPLACE INTO facts (topic, name, value) VALUES ('integrity', ?, ?)", [endpoint, integrity])
        }
    }

    /// Runs statements that only read.
    func read<Value>(_ body: (Database) throws -> Value) throws(ArtifactError) -> Value {
        do {
            return try database.inDatabase(body)
        } catch {
            throw ArtifactError(reading: error)
        }
    }
}
