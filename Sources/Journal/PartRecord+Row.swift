import ArtifactModel
import GRDB

extension PartRecord {
    /// The columns of `parts` that make a record.
    static let columns = "number, raw_offset, raw_length, object_offset, size, etag, check_algorithm, check_value, raw_check"

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        self.init(
            number: try column.next(), rawOffset: try column.nextUnsigned(), rawLength: try column.nextUnsigned(),
            offset: try column.nextUnsigned(), size: try column.nextUnsigned(), etag: try column.next(), check: nil)
        let algorithm: CRC.Algorithm? = try column.nextCaseIfPresent()
        let value = try column.nextUnsignedIfPresent()
        if let algorithm, let value { check = CRC(algorithm, value: value, length: size) }
        rawCheck = try column.nextUnsignedIfPresent().map { CRC(.crc32c, value: $0, length: rawLength) }
    }
}
