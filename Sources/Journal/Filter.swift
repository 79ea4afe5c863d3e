import ArtifactModel
import GRDB

/// The conditions of a listing with their values.
struct Filter {
    private(set) var sql: String
    private(set) var arguments: StatementArguments

    init(_ condition: String, _ arguments: StatementArguments) {
        sql = condition
        self.arguments = arguments
    }

    mutating func add(_ condition: String, _ arguments: StatementArguments) {
        sql += " AND \(condition)"
        self.arguments += arguments
    }

    /// Whether a column contains a text that is given in lower case. SQLite's own LIKE folds ASCII alone.
    static func contains(_ column: String) -> String { "instr(\(DatabaseFunction.lowercase.name)(\(column)), ?) > 0" }
}

extension Journal {
    /// A page of a listing, and how many there are in all.
    func page<Value>(
        _ filter: Filter, columns: String, source: String, order: String, limit: Int, offset: Int, _ make: (Row) throws -> Value
    ) throws(ArtifactError) -> (page: [Value], total: Int) {
        let page = "SELECT \(columns) FROM \(source) WHERE \(filter.sql) ORDER BY \(order) LIMIT ? OFFSET ?"
        let total = "SELECT COUNT(*) FROM \(source) WHERE \(filter.sql)"
        return try read { db in
            (
                try db.rows(page, filter.arguments + [limit, offset], make),
                try Int.fetchOne(db.cachedStatement(sql: total), arguments: filter.arguments) ?? 0
            )
        }
    }
}
