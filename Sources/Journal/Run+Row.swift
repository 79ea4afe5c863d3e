import ArtifactModel
import GRDB

extension Run {
    /// The columns of `source` that make a run.
    static let columns = """
        runs.id, runs.experiment_id, runs.tenant, runs.name, runs.description, runs.tags, runs.status, runs.started_at, \
        runs.ended_at, experiments.artifact_location, NOT experiments.is_confirmed
        """
    /// Runs, each with its experiment, which is always there. CROSS: SQLite is to begin with the runs.
    static let source = "runs CROSS JOIN experiments ON experiments.id = runs.experiment_id"

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        try self.init(&column)
    }

    /// Reads the columns of a run and leaves the rest of the row.
    init(_ column: inout ColumnReader) throws {
        let id: String = try column.next()
        self.init(
            id: id, experimentID: try column.next(), tenant: try column.next(), name: try column.next(),
            description: try column.next(), tags: try Tags.tags(column.next()), status: try column.nextCase(),
            startedAt: try column.next(), endedAt: try column.nextIfPresent(),
            artifactURI: Experiment.artifactURI(location: try column.next(), run: id), isProvisional: try column.next())
    }

    /// The run of that id; nil when there is none.
    static func find(_ id: String, in db: Database) throws -> Run? {
        try db.firstRow("SELECT \(columns) FROM \(source) WHERE runs.id = ?", [id]).map(Run.init)
    }

    /// Adds it, and returns it with the place of its experiment.
    func insert(into db: Database, of experiment: Experiment, isToWrite: Bool) throws -> Run {
        let sql = """
            INSERT INTO runs (
                id, experiment_id, tenant, name, description, tags, status, started_at, ended_at, is_to_write
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        _ = try db.run(
            sql,
            [
                id, experiment.id, experiment.tenant, name, description, Tags.text(tags), status.rawValue, startedAt, endedAt,
                isToWrite,
            ])
        var run = self
        run.artifactURI = Experiment.artifactURI(location: experiment.artifactLocation, run: id)
        run.isProvisional = experiment.isProvisional
        return run
    }

    /// Sets how it stands in the row that is there.
    func updateStatus(in db: Database, isToWrite: Bool) throws {
        let sql = "UPDATE runs SET status = ?, ended_at = ?, is_to_write = ? WHERE id = ?"
        _ = try db.run(sql, [status.rawValue, endedAt, isToWrite, id])
    }
}
