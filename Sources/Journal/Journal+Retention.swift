public import ArtifactModel
import GRDB

extension Journal {
    /// Forgets stored and cancelled jobs: those that ended before a time, and of the others the oldest beyond a number.
    ///
    /// Jobs that failed or are on their way stay, and so does a later version of their destination: it tells that an earlier one
    /// must no longer be stored. The jobs of a run stay as long as a manifest of it is to be written: until it has ended and been
    /// committed, or until nothing has been handed over to it for `idleRunRetention`. What stays counts into the number. A
    /// forgotten job's idempotency key is free again.
    /// - Parameters:
    ///   - finishedBefore: Unix time in milliseconds.
    ///   - keepAtMost: how many ended jobs may stay.
    /// - Returns: how many were forgotten.
    @discardableResult
    public func purge(finishedBefore: Int64, keepAtMost: Int) throws(ArtifactError) -> Int {
        let idleBefore = now() - Self.idleRunRetention
        var total = 0
        var progress = Purge(last: try read { db in try Self.last(db, finishedBefore: finishedBefore, keepAtMost: keepAtMost) })
        while true {
            let start = progress
            progress = try write { db in try Self.purge(db, start, idleBefore: idleBefore) }
            total += progress.removed
            if progress.seen < Self.purgeBatch { return total }
        }
    }

    /// How long the jobs of a run stay that is not ended, or not committed here, after its last hand-over, in milliseconds: 30
    /// days. A training run that pauses longer is taken for abandoned.
    static let idleRunRetention: Int64 = 30 * 24 * 3_600_000

    /// So many are looked at in one go, so that hand-overs get their turn in between.
    static let purgeBatch = 500

    /// A place in the order of ends, and of acceptance within a millisecond.
    private struct Place {
        var time: Int64
        var sequence: Int64
    }

    private struct Purge {
        /// The last job that is too old, or one too many.
        let last: Place
        /// The last job that was looked at.
        var done = Place(time: .min, sequence: .min)
        /// How many the last step looked at and removed.
        var seen = 0
        var removed = 0
    }

    private static func last(_ db: Database, finishedBefore: Int64, keepAtMost: Int) throws -> Place {
        guard let excess = try db.firstRow(excess, [keepAtMost]) else { return Place(time: finishedBefore, sequence: .min) }
        var column = ColumnReader(excess)
        let end = Place(time: try column.next(), sequence: try column.next())
        return end.time >= finishedBefore ? end : Place(time: finishedBefore, sequence: .min)
    }

    private static func purge(_ db: Database, _ start: Purge, idleBefore: Int64) throws -> Purge {
        var purge = start
        let bounds: StatementArguments = [purge.done.time, purge.done.sequence, purge.last.time, purge.last.sequence]
        let candidates = try db.rows(candidates, [idleBefore] + bounds + [purgeBatch]) { row in
            var column = ColumnReader(row)
            return (
                place: Place(time: try column.next(), sequence: try column.next()), run: try column.nextIfPresent(String.self),
                mayGo: try column.next(Bool.self)
            )
        }
        purge.seen = candidates.count
        purge.removed = 0
        for candidate in candidates {
            purge.done = candidate.place
            guard candidate.mayGo else { continue }
            purge.removed += try db.run("DELETE FROM jobs WHERE seq = ?", [candidate.place.sequence])
            if let run = candidate.run { _ = try db.run("UPDATE runs SET is_thinned = 1 WHERE id = ? AND NOT is_thinned", [run]) }
        }
        return purge
    }

    private static let excess = """
        SELECT updated_at, seq FROM jobs INDEXED BY jobs_done WHERE state IN \(States.purgeable)
        ORDER BY updated_at DESC, seq DESC LIMIT 1 OFFSET ?
        """
    private static let candidates = """
        SELECT updated_at, seq, run_id,
            NOT EXISTS (
                SELECT 1 FROM jobs AS earlier
                WHERE earlier.destination = jobs.destination AND earlier.seq < jobs.seq AND earlier.state IN \(States.holding))
            AND (run_id IS NULL OR \(runIsDone))
        FROM jobs INDEXED BY jobs_done
        WHERE state IN \(States.purgeable) AND (updated_at, seq) > (?, ?) AND (updated_at, seq) <= (?, ?)
        ORDER BY updated_at, seq LIMIT ?
        """
    private static let runIsDone = """
        NOT EXISTS (SELECT 1 FROM commits WHERE commits.run_id = jobs.run_id AND written_at IS NULL)
        AND EXISTS (
            SELECT 1 FROM runs WHERE runs.id = jobs.run_id AND (
                last_job_at < ?
                OR status <> \(RunStatus.running.rawValue) AND EXISTS (
                    SELECT 1 FROM commits WHERE commits.run_id = runs.id AND group_name = '')))
        """
}
