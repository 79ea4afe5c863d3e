import ArtifactModel
import GRDB

extension Experiment {
    /// The columns of `experiments` that make an experiment.
    static let columns = """
        id, tenant, name, description, tags, artifact_location, stage, created_at, updated_at, NOT is_confirmed
        """

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        self.init(
            id: try column.next(), tenant: try column.next(), name: try column.next(), description: try column.next(),
            tags: try Tags.tags(column.next()), artifactLocation: try column.next(), stage: try column.nextCase(),
            createdAt: try column.next(), updatedAt: try column.next(), isProvisional: try column.next())
    }

    /// The experiment of that id; nil when there is none.
    static func find(_ id: String, in db: Database) throws -> Experiment? {
        try db.firstRow("SELECT \(columns) FROM experiments WHERE id = ?", [id]).map(Experiment.init)
    }

    /// Adds it as it is, with nothing to be written into the store.
    func insert(into db: Database) throws {
        let sql = """
            INSERT INTO experiments (
                id, tenant, name, description, tags, artifact_location, stage, created_at, updated_at, is_confirmed, is_to_write
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
            """
        _ = try db.run(
            sql,
            [
                id, tenant, name, description, Tags.text(tags), artifactLocation, stage.rawValue, createdAt, updatedAt,
                !isProvisional,
            ])
    }

    /// Replaces what may change in an experiment that is there.
    func updateState(in db: Database, isToWrite: Bool) throws {
        let sql = "UPDATE experiments SET description = ?, tags = ?, stage = ?, updated_at = ?, is_to_write = ? WHERE id = ?"
        _ = try db.run(sql, [description, Tags.text(tags), stage.rawValue, updatedAt, isToWrite, id])
    }
}
