public import ArtifactModel
import GRDB

extension Journal {
    /// The artifacts of a run that this daemon knows, by rising bytes of the path: of each the latest version that is neither
    /// cancelled nor deleted, in whatever state it is.
    public func artifacts(_ query: ArtifactQuery) throws(ArtifactError) -> [ArtifactRecord] {
        var filter = Filter("run_id = ? AND \(Self.isListed)", [query.run])
        if let path = query.path { filter.addPath(path, isRecursive: true) }
        if let after = query.after { filter.add("artifact_path > ?", [after]) }
        return try read { db in
            try ArtifactRecord.latest(filter, kind: query.kind, index: "jobs_by_path", limit: query.limit, in: db)
        }
    }

    /// Takes artifacts out of all listings and manifests: every version that has been accepted by now.
    ///
    /// Whoever calls this cancels the jobs and then deletes the objects. A job that was stored before it could be cancelled is not
    /// listed either, so its object is to be deleted with the others.
    /// - Parameters:
    ///   - path: of one artifact.
    ///   - isRecursive: `path` is a prefix of whole components; empty for all of the run's.
    public func markRemoved(run: String, path: String, isRecursive: Bool) throws(ArtifactError) -> RemovedArtifacts {
        try write(isPromise: true) { db in
            var filter = Filter("run_id = ? AND \(Self.isListed)", [run])
            filter.addPath(path, isRecursive: isRecursive)
            let jobs = "jobs INDEXED BY jobs_by_path"
            let paths = try db.rows(
                "SELECT DISTINCT artifact_path FROM \(jobs) WHERE \(filter.sql) ORDER BY artifact_path", filter.arguments
            ) { row in try row.decode(String.self, atIndex: 0) }
            let ids = try db.rows(
                "SELECT id FROM \(jobs) WHERE \(filter.sql) AND state IN \(States.holding) ORDER BY seq", filter.arguments
            ) { row in
                var column = ColumnReader(row)
                return try column.nextID()
            }
            _ = try db.run("UPDATE \(jobs) SET removed = 1 WHERE \(filter.sql)", filter.arguments)
            return RemovedArtifacts(paths: paths, jobs: ids)
        }
    }

    private static let isListed = "removed = 0 AND state IN \(States.counting)"
}

extension ArtifactRecord {
    /// Of each path among some jobs the latest one, by rising bytes of the path.
    ///
    /// With MAX in a query, SQLite takes the other columns from the row that has the maximum (lang_select.html, section 2.5).
    /// - Parameter kind: only paths whose latest version is of this kind.
    static func latest(
        _ filter: Filter, kind: ArtifactKind? = nil, index: String, limit: Int, in db: Database
    ) throws -> [ArtifactRecord] {
        var arguments = filter.arguments
        if let kind { arguments += [kind.rawValue] }
        let sql = """
            SELECT \(columns), MAX(seq) FROM jobs INDEXED BY \(index) WHERE \(filter.sql)
            GROUP BY artifact_path \(kind == nil ? "" : "HAVING kind = ?") ORDER BY artifact_path LIMIT ?
            """
        return try db.rows(sql, arguments + [limit], ArtifactRecord.init)
    }
}

extension Filter {
    /// The artifact at a path; where recursive, those below it too, and for the empty path all.
    fileprivate mutating func addPath(_ path: String, isRecursive: Bool) {
        guard isRecursive else { return add("artifact_path = ?", [path]) }
        guard !path.isEmpty else { return }
        // "0" is the byte behind "/". The first two bound the range in the index, the third leaves out `path-x` and the like.
        add(
            "artifact_path >= ? AND artifact_path < ? AND (artifact_path = ? OR artifact_path > ?)",
            [path, "\(path)0", path, "\(path)/"])
    }
}
