import ArtifactModel
import Foundation
import GRDB

/// Reads a row's columns from left to right. A value that does not fit is an error, never a trap: the file may be damaged.
struct ColumnReader {
    private let row: Row
    private var index = 0

    init(_ row: Row) { self.row = row }

    mutating func next<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ type: Value.Type = Value.self) throws
        -> Value
    {
        defer { index += 1 }
        return try row.decode(type, atIndex: index)
    }

    mutating func nextIfPresent<Value: DatabaseValueConvertible & StatementColumnConvertible>(
        _ type: Value.Type = Value.self
    ) throws -> Value? {
        defer { index += 1 }
        return try row.decode(Value?.self, atIndex: index)
    }

    /// A number of ArtifactModel's, by its raw value.
    mutating func nextCase<Case: RawRepresentable>(_ type: Case.Type = Case.self) throws -> Case
    where Case.RawValue: FixedWidthInteger {
        try knownCase(next(Int64.self))
    }

    mutating func nextCaseIfPresent<Case: RawRepresentable>(_ type: Case.Type = Case.self) throws -> Case?
    where Case.RawValue: FixedWidthInteger {
        try nextIfPresent(Int64.self).map { number throws -> Case in try knownCase(number) }
    }

    /// An amount, or a number kept by its bit pattern.
    mutating func nextUnsigned() throws -> UInt64 { UInt64(bitPattern: try next(Int64.self)) }

    mutating func nextUnsignedIfPresent() throws -> UInt64? { try nextIfPresent(Int64.self).map(UInt64.init(bitPattern:)) }

    mutating func nextBytes() throws -> [UInt8] { [UInt8](try next(Data.self)) }

    mutating func nextBytesIfPresent() throws -> [UInt8]? { try nextIfPresent(Data.self).map { [UInt8]($0) } }

    private func knownCase<Case: RawRepresentable>(_ number: Int64) throws -> Case where Case.RawValue: FixedWidthInteger {
        guard let raw = Case.RawValue(exactly: number), let value = Case(rawValue: raw) else {
            throw ArtifactError(.internalFault, "the journal holds the number \(number), which is no \(Case.self)")
        }
        return value
    }
}
