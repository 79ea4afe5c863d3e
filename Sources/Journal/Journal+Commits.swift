public import ArtifactModel
import GRDB

extension Journal {
    /// Asks for a manifest: of the whole run, or of one member of a group, with all that has been accepted for it by now.
    ///
    /// Asked for again, the manifest of a run is written anew, and one that is not written yet waits for what was accepted since.
    /// The manifest of a run that has ended and whose jobs have been purged stays as it was written: a new one would lack them.
    /// - Parameters:
    ///   - group: nil for the whole run.
    ///   - member: which member of the group is complete.
    ///   - members: how many the group has.
    ///   - at: Unix time in milliseconds.
    /// - Throws: `notFound` where there is no such run here; `conflict` where the group was given another number of members, or
    ///   where the member's manifest is written and more has been accepted for it since; `invalidRequest` for an empty name.
    public func requestCommit(
        run id: String, group: String? = nil, member: UInt32 = 0, members: UInt32 = 0, at: Int64
    ) throws(ArtifactError) {
        try write(isPromise: true) { db in
            guard let run = try Run.find(id, in: db) else { throw ArtifactError.noRun(id) }
            guard let group else { return try Self.request(run, at: at, in: db) }
            guard !group.isEmpty else {
                throw ArtifactError(.invalidRequest, "a group of run '\(id.escapedForLog)' has no name; give it one")
            }
            try Self.request(run, group: group, member: member, members: members, at: at, in: db)
        }
    }

    /// What is still to be done: manifests that are not written yet, and members of groups whose `commit.json` is not known to
    /// exist; in the order of the requests.
    /// - Parameters:
    ///   - number: of the last request of the page before; 0 for the first page.
    ///   - limit: at most so many.
    public func openCommits(after number: Int64 = 0, limit: Int) throws(ArtifactError) -> [CommitRequest] {
        let sql = """
            SELECT \(CommitRequest.columns) FROM \(CommitRequest.source)
            WHERE \(Schema.commitIsOpen) AND commits.number > ? ORDER BY commits.number LIMIT ?
            """
        return try read { db in try db.rows(sql, [number, limit], CommitRequest.init) }
    }

    /// How many jobs a manifest still waits for: those that are on their way, and those that failed. Cancelled and deleted ones do
    /// not count, nor does a failed one whose artifact was stored by a later job.
    ///
    /// Costs time in proportion to what it counts.
    public func commitProgress(_ request: CommitRequest) throws(ArtifactError) -> (pending: Int, failed: Int) {
        let condition = request.condition.sql
        let pending = """
            SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_run WHERE \(condition) AND state IN \(States.pending) AND seq <= ?
            """
        let failed = """
            SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_run
            WHERE \(condition) AND state = \(States.failed) AND seq <= ? AND NOT EXISTS (
                SELECT 1 FROM jobs AS later INDEXED BY jobs_by_path
                WHERE later.run_id = jobs.run_id AND later.artifact_path = jobs.artifact_path AND later.seq > jobs.seq
                    AND later.state = \(States.stored) AND later.removed = 0)
            """
        let arguments = request.condition.arguments + [request.bound]
        return try read { db in
            (
                try Int.fetchOne(db.cachedStatement(sql: pending), arguments: arguments) ?? 0,
                try Int.fetchOne(db.cachedStatement(sql: failed), arguments: arguments) ?? 0
            )
        }
    }

    /// What a manifest names: of each path the latest version that is stored and not deleted, by rising bytes of the path.
    /// - Parameters:
    ///   - after: the path of the last artifact of the page before.
    ///   - limit: at most so many; hand-overs wait while a page is read.
    public func manifestArtifacts(
        _ request: CommitRequest, after: String? = nil, limit: Int
    ) throws(ArtifactError) -> [ArtifactRecord] {
        var filter = request.condition
        filter.add("state = \(States.stored)", [])
        if let after { filter.add("artifact_path > ?", [after]) }
        // A run is read in the order of its paths, and a member, of which there may be many in a run, by itself.
        let index = request.group == nil ? "jobs_by_path" : "jobs_by_run"
        return try read { db in try ArtifactRecord.latest(filter, index: index, limit: limit, in: db) }
    }

    /// Takes down that a manifest has been written.
    /// - Parameter at: Unix time in milliseconds.
    /// - Returns: false where it was asked for anew in the meantime, and so is still to be written.
    @discardableResult
    public func manifestWritten(_ request: CommitRequest, at: Int64) throws(ArtifactError) -> Bool {
        try write { db in try db.run("UPDATE commits SET written_at = ? WHERE number = ?", [at, request.number]) > 0 }
    }

    /// Takes down that a group's `commit.json` exists.
    /// - Parameter at: Unix time in milliseconds.
    public func groupCommitted(run: String, group: String, at: Int64) throws(ArtifactError) {
        try write { db in
            _ = try db.run("UPDATE commits SET committed_at = ? WHERE run_id = ? AND group_name = ?", [at, run, group])
        }
    }

    /// How far the commit of a run, or of a group, has come on this daemon. A group of which a member here is not written is not
    /// committed, whatever the store has: its `commit.json` may be of an earlier group of that name.
    public func commitState(run: String, group: String? = nil) throws(ArtifactError) -> CommitState {
        let name = group ?? CommitRequest.wholeRun
        let isOpen = "SELECT 1 FROM commits WHERE run_id = ? AND group_name = ? AND \(Schema.commitIsOpen) LIMIT 1"
        let requests = """
            SELECT \(CommitRequest.columns) FROM \(CommitRequest.source)
            WHERE commits.run_id = ? AND commits.group_name = ? ORDER BY commits.member
            """
        return try read { db in
            let requests = try db.rows(requests, [run, name], CommitRequest.init)
            if requests.isEmpty { return .neverRequested }
            return try db.firstRow(isOpen, [run, name]) == nil ? .committed : .open(requests)
        }
    }

    // MARK: Asking

    /// Asks for the manifest of the whole run.
    static func request(_ run: Run, at: Int64, in db: Database) throws {
        let isFinal = """
            SELECT 1 FROM commits CROSS JOIN runs ON runs.id = commits.run_id
            WHERE commits.run_id = ? AND commits.group_name = '' AND commits.written_at IS NOT NULL
                AND runs.is_thinned AND runs.status <> \(RunStatus.running.rawValue)
            """
        guard try db.firstRow(isFinal, [run.id]) == nil else { return }
        _ = try db.run(insertion, [run.id, CommitRequest.wholeRun, 0, 0, at])
    }

    /// Asks for the manifest of a member.
    private static func request(
        _ run: Run, group: String, member: UInt32, members: UInt32, at: Int64, in db: Database
    ) throws {
        let others = "SELECT members FROM commits WHERE run_id = ? AND group_name = ? AND members <> ? LIMIT 1"
        if let row = try db.firstRow(others, [run.id, group, members]) {
            let named = try row.decode(UInt32.self, atIndex: 0)
            throw ArtifactError(
                .conflict,
                "group '\(group.escapedForLog)' of run '\(run.id.escapedForLog)' has \(named) members and not \(members); "
                    + "name the same number in all of them, or use another group")
        }
        let isWritten = """
            SELECT EXISTS (
                SELECT 1 FROM jobs INDEXED BY jobs_by_run
                WHERE jobs.run_id = commits.run_id AND jobs.state IN \(States.counting) AND jobs.group_name = commits.group_name
                    AND jobs.member = commits.member AND jobs.seq > commits.bound AND jobs.removed = 0)
            FROM commits WHERE run_id = ? AND group_name = ? AND member = ? AND written_at IS NOT NULL
            """
        if let row = try db.firstRow(isWritten, [run.id, group, member]) {
            guard try row.decode(Bool.self, atIndex: 0) else { return }
            throw ArtifactError(
                .conflict,
                "member \(member) of group '\(group.escapedForLog)' of run '\(run.id.escapedForLog)' is committed already and has "
                    + "been handed more since; use another group")
        }
        _ = try db.run(insertion, [run.id, group, member, members, at])
    }

    /// Whether the whole run's manifest was asked for, and no job of the run was accepted since.
    static func isCommitRequestedForAll(of run: String, in db: Database) throws -> Bool {
        let sql = """
            SELECT 1 FROM commits WHERE run_id = ? AND group_name = '' AND NOT EXISTS (
                SELECT 1 FROM jobs INDEXED BY jobs_by_path WHERE jobs.run_id = commits.run_id AND jobs.seq > commits.bound)
            """
        return try db.firstRow(sql, [run]) != nil
    }

    private static let insertion = """
        INSERT INTO commits (run_id, group_name, member, members, requested_at, number, bound)
        VALUES (
            ?, ?, ?, ?, ?, (SELECT IFNULL(MAX(number), 0) + 1 FROM commits), (SELECT IFNULL(MAX(seq), 0) FROM jobs))
        ON CONFLICT (run_id, group_name, member) DO UPDATE SET
            requested_at = excluded.requested_at, number = excluded.number, bound = excluded.bound, written_at = NULL
        """
}
