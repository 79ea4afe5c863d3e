public import ArtifactModel
import GRDB

extension Journal {
    /// Forgets stored and cancelled jobs: those that ended before a time, and of the others the oldest beyond a number.
    ///
    /// Jobs that failed or are on their way stay, and so does a later version of their destination: it tells that an earlier one
    /// must no longer be stored. A forgotten job's idempotency key is free again.
    /// - Parameters:
    ///   - finishedBefore: Unix time in milliseconds.
    ///   - keepAtMost: how many ended jobs may stay.
    /// - Returns: how many were forgotten.
    @discardableResult
    public func purge(finishedBefore: Int64, keepAtMost: Int) throws(ArtifactError) -> Int {
        var total = 0
        while true {
            let removed = try write { db in try Self.purge(db, finishedBefore: finishedBefore, keepAtMost: keepAtMost) }
            total += removed
            if removed < Self.purgeBatch { return total }
        }
    }

    /// So many at once, so that hand-overs get their turn in between.
    static let purgeBatch = 500

    private static func purge(_ db: Database, finishedBefore: Int64, keepAtMost: Int) throws -> Int {
        // In the order of their ends, and of acceptance within a millisecond: the last job that is too old, or one too many.
        var last = (time: finishedBefore, sequence: Int64.min)
        if let excess = try db.firstRow(excess, [keepAtMost]) {
            var column = ColumnReader(excess)
            let end: (Int64, Int64) = (try column.next(), try column.next())
            if end > last { last = end }
        }
        return try db.run(purge, [last.time, last.sequence, purgeBatch])
    }

    private static let excess = """
        SELECT updated_at, seq FROM jobs INDEXED BY jobs_done WHERE state IN \(States.purgeable)
        ORDER BY updated_at DESC, seq DESC LIMIT 1 OFFSET ?
        """
    private static let purge = """
        DELETE FROM jobs WHERE seq IN (
            SELECT seq FROM jobs INDEXED BY jobs_done
            WHERE state IN \(States.purgeable) AND (updated_at, seq) <= (?, ?)
                AND NOT EXISTS (
                    SELECT 1 FROM jobs AS earlier
                    WHERE earlier.destination = jobs.destination AND earlier.seq < jobs.seq AND earlier.state IN \(States.holding))
            ORDER BY updated_at, seq LIMIT ?)
        """
}
