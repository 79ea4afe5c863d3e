import ArtifactModel
import GRDB

extension ArtifactRecord {
    /// The columns of `jobs` that make a record.
    static let columns = """
        artifact_path, destination, size, kind, content_type, state, raw_checksum, encoding, stored_size, etag, updated_at, id, \
        error_code, error_message, error_cause
        """

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        self.init(
            path: try column.next(), uri: try column.next(), size: try column.nextUnsigned(), kind: try column.nextCase(),
            contentType: try column.next(), state: try column.nextCase(), checksum: try column.nextIfPresent(),
            encoding: try column.nextCaseIfPresent(), storedSize: try column.nextUnsignedIfPresent(),
            etag: try column.nextIfPresent(), updatedAt: try column.next(), job: try column.nextID(),
            error: try column.nextError())
    }
}
