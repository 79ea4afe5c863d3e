public import ArtifactModel
import GRDB

/// What is to be brought in agreement with the store.
extension Journal {
    /// The experiments whose place the store has not confirmed, the oldest first.
    /// - Parameters:
    ///   - last: the last of the page before; nil for the first page.
    ///   - limit: at most so many.
    public func experimentsToConfirm(after last: Experiment? = nil, limit: Int) throws(ArtifactError) -> [Experiment] {
        var filter = Filter("is_confirmed = 0", [])
        if let last { filter.add("(created_at, id) > (?, ?)", [last.createdAt, last.id]) }
        let sql = """
            SELECT \(Experiment.columns) FROM experiments WHERE \(filter.sql) ORDER BY created_at, id LIMIT ?
            """
        return try read { [filter] db in try db.rows(sql, filter.arguments + [limit], Experiment.init) }
    }

    /// Takes down what the store has confirmed of an experiment, and decides the destinations of its runs' jobs by it.
    ///
    /// One that was confirmed before stays as it is. It fails as `notFound` where there is no such experiment.
    /// - Parameters:
    ///   - location: the URI below which its runs lie, without a slash at its end.
    ///   - createdAt: Unix time in milliseconds.
    ///   - completion: gets all pending jobs of the experiment's runs, by rising sequence. It runs as that of `accept` and in one
    ///     order with it: a job that was told as provisional before is among them, and none is told so afterwards.
    public func confirmExperiment(
        _ id: String, location: String, createdAt: Int64,
        completion: @escaping @Sendable (Result<[ResolvedJob], ArtifactError>) -> Void
    ) {
        submit(completion: completion) { db in
            guard let experiment = try Experiment.find(id, in: db) else { throw ArtifactError.noExperiment(id) }
            if experiment.isProvisional {
                let confirmation = "UPDATE experiments SET artifact_location = ?, created_at = ?, is_confirmed = 1 WHERE id = ?"
                _ = try db.run(confirmation, [location, createdAt, id])
                if location != experiment.artifactLocation { try Self.move(id, to: location, in: db) }
            }
            let sql = """
                SELECT seq, destination FROM jobs INDEXED BY jobs_by_path
                WHERE run_id IN (SELECT id FROM runs WHERE experiment_id = ?) AND state IN \(States.pending) ORDER BY seq
                """
            return try db.rows(sql, [id]) { row in
                ResolvedJob(
                    sequence: try row.decode(Int64.self, atIndex: 0), destination: try row.decode(String.self, atIndex: 1))
            }
        }
    }

    /// The experiments whose state is to be written into the store, the oldest change first; none that is not confirmed.
    /// - Parameters:
    ///   - last: the last of the page before; nil for the first page.
    ///   - limit: at most so many.
    public func statesToWrite(after last: Experiment? = nil, limit: Int) throws(ArtifactError) -> [Experiment] {
        var filter = Filter("is_to_write = 1 AND is_confirmed = 1", [])
        if let last { filter.add("(updated_at, id) > (?, ?)", [last.updatedAt, last.id]) }
        let sql = """
            SELECT \(Experiment.columns) FROM experiments WHERE \(filter.sql) ORDER BY updated_at, id LIMIT ?
            """
        return try read { [filter] db in try db.rows(sql, filter.arguments + [limit], Experiment.init) }
    }

    /// Takes down that this state is in the store; without effect where it has changed since.
    public func stateWritten(_ experiment: Experiment) throws(ArtifactError) {
        try write { db in
            _ = try db.run(
                "UPDATE experiments SET is_to_write = 0 WHERE id = ? AND updated_at = ?", [experiment.id, experiment.updatedAt])
        }
    }

    /// The runs that this daemon is to write into the store, the earliest start first; none whose place is provisional.
    /// - Parameters:
    ///   - last: the last of the page before; nil for the first page.
    ///   - limit: at most so many.
    public func runsToWrite(after last: Run? = nil, limit: Int) throws(ArtifactError) -> [Run] {
        var filter = Filter("runs.is_to_write = 1 AND experiments.is_confirmed = 1", [])
        if let last { filter.add("(runs.started_at, runs.id) > (?, ?)", [last.startedAt, last.id]) }
        let sql = """
            SELECT \(Run.columns) FROM \(Run.source) WHERE \(filter.sql) ORDER BY runs.started_at, runs.id LIMIT ?
            """
        return try read { [filter] db in try db.rows(sql, filter.arguments + [limit], Run.init) }
    }

    /// Takes down how a run stands in the store, and with it how it ended: what was there first counts, also where this daemon ended
    /// it otherwise. Without effect where it has ended here since.
    /// - Parameters:
    ///   - run: how it stood here when it was compared with the store.
    ///   - stored: how the store has it.
    public func runWritten(_ run: Run, as stored: Run) throws(ArtifactError) {
        let sql = "UPDATE runs SET status = ?, ended_at = ?, is_to_write = 0 WHERE id = ? AND status = ?"
        let arguments: StatementArguments = [stored.status.rawValue, stored.endedAt, run.id, run.status.rawValue]
        try write { db in _ = try db.run(sql, arguments) }
    }

    /// Gives the jobs of an experiment, which cannot have begun to be sent, their destinations in another place.
    private static func move(_ experiment: String, to location: String, in db: Database) throws {
        let runs = try db.rows("SELECT id FROM runs WHERE experiment_id = ?", [experiment]) { row in
            try row.decode(String.self, atIndex: 0)
        }
        let sql = """
            UPDATE jobs INDEXED BY jobs_by_path SET destination = ? || '/' || artifact_path
            WHERE run_id = ? AND state IN \(States.holding)
            """
        for run in runs { _ = try db.run(sql, [Experiment.artifactURI(location: location, run: run), run]) }
    }
}
