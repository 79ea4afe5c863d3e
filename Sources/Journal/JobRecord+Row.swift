import ArtifactModel
import GRDB

extension JobRecord {
    /// The columns of `jobs` that make a record.
    static let columns = """
        id, seq, uid, tenant, destination, label, size, state, \(reachedLevel), pin, compression, encoding, kind, content_type, accepted_at, \
        updated_at, attempts, CASE state WHEN \(States.stored) THEN size \
        ELSE (SELECT IFNULL(SUM(raw_length), 0) FROM parts WHERE parts.seq = jobs.seq) END, \
        stored_size, etag, checksum, error_code, error_message, error_cause
        """

    /// What is promised by now, which follows from the state and the pin; the column `level` holds what was asked for.
    private static let reachedLevel = """
        CASE WHEN state = \(States.stored) THEN \(AcknowledgementLevel.stored.rawValue) \
        WHEN pin IN (\(Pin.allCases.filter(\.isDurable).map { "\($0.rawValue)" }.joined(separator: ", "))) \
        THEN \(AcknowledgementLevel.durable.rawValue) ELSE \(AcknowledgementLevel.accepted.rawValue) END
        """

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        self.init(
            id: try column.nextID(), sequence: try column.next(), uid: try column.next(), tenant: try column.next(),
            destination: try column.next(), label: try column.next(), size: try column.nextUnsigned(),
            state: try column.nextCase(), level: try column.nextCase(), pin: try column.nextCase(),
            compression: try column.nextCase(), encoding: try column.nextCaseIfPresent(), kind: try column.nextCase(),
            contentType: try column.next(), acceptedAt: try column.next(), updatedAt: try column.next(),
            attempts: try column.next(), bytesDone: try column.nextUnsigned(), storedSize: try column.nextUnsignedIfPresent(),
            etag: try column.nextIfPresent(), checksum: try column.nextIfPresent(), error: try column.nextError())
    }
}

extension ColumnReader {
    mutating func nextID() throws -> JobID {
        let bytes = try nextBytes()
        guard let id = JobID(bytes: bytes) else {
            throw ArtifactError(.internalFault, "the journal holds a job id of \(bytes.count) bytes instead of 16")
        }
        return id
    }

    /// Code, message and cause; nil when there is no code.
    mutating func nextError() throws -> ArtifactError? {
        let code: ArtifactError.Code? = try nextCaseIfPresent()
        let message: String? = try nextIfPresent()
        let cause: String? = try nextIfPresent()
        return code.map { ArtifactError($0, message ?? "", cause: cause) }
    }
}
