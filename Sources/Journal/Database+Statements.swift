import ArtifactModel
import Foundation
import GRDB

extension Database {
    /// Runs a statement that stays prepared, and returns how many rows it changed (triggers' changes not counted).
    func run(_ sql: String, _ arguments: StatementArguments) throws -> Int {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount
    }

    /// Whether a prepared statement, which selects one number, finds a row.
    func exists(_ sql: String, _ arguments: StatementArguments) throws -> Bool {
        try Int.fetchOne(cachedStatement(sql: sql), arguments: arguments) != nil
    }

    /// Runs the body in a transaction that writes, with statements that stay prepared: GRDB's own are parsed each time.
    func inPreparedTransaction(_ body: () throws -> Void) throws {
        try cachedStatement(sql: "BEGIN IMMEDIATE").execute()
        do {
            try body()
            try cachedStatement(sql: "COMMIT").execute()
        } catch {
            // SQLite has rolled back by itself after some faults: full disks, for instance.
            if isInsideTransaction { try rollback() }
            throw error
        }
    }

    /// The first row that a prepared statement finds.
    func firstRow(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    /// What a prepared statement finds, row by row.
    func rows<Value>(_ sql: String, _ arguments: StatementArguments, _ make: (Row) throws -> Value) throws -> [Value] {
        let cursor = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
        var values: [Value] = []
        while let row = try cursor.next() { values.append(try make(row)) }
        return values
    }
}

extension Sequence<UInt8> {
    /// The bytes as SQLite takes them. GRDB speaks `Data`, and links Foundation anyway.
    var blob: Data { Data(self) }
}

extension UInt64 {
    /// The number by its bit pattern: SQLite's integers are signed.
    var bits: Int64 { Int64(bitPattern: self) }
}
