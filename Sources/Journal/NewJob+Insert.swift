import ArtifactModel
import GRDB

extension NewJob {
    /// Journals the hand-over, or finds the job that an earlier one with the same idempotency key made.
    ///
    /// What is thrown as `ArtifactError` concerns this job alone and has left nothing behind.
    func insert(into db: Database) throws -> Acceptance {
        guard size <= UInt64(Int64.max) else {
            throw ArtifactError(.tooLarge, "'\(label.escapedForLog)' claims \(size) bytes; no file is that large")
        }
        if let duplicate = try duplicate(in: db) { return .duplicate(duplicate) }
        do {
            _ = try db.run(Self.insertion, arguments)
        } catch DatabaseError.SQLITE_CONSTRAINT {
            throw ArtifactError(.conflict, "job \(id) is in the journal already; use a new id")
        }
        let sequence = db.lastInsertedRowID
        if let inlineBytes {
            _ = try db.run("INSERT INTO inline (seq, bytes) VALUES (?, ?)", [sequence, inlineBytes.blob])
        }
        return .accepted(sequence: sequence)
    }

    /// Content is told by destination, size and compression: inode and times may differ when the same request is sent again. A
    /// source that was renewed in the meantime has two sizes, and either is right.
    private func duplicate(in db: Database) throws -> JobRecord? {
        guard let idempotencyKey, let row = try db.firstRow(Self.search, [uid, tenant, idempotencyKey.blob]) else { return nil }
        let earlier = try JobRecord(row)
        let acceptedSize = UInt64(bitPattern: try row.decode(Int64.self, forColumn: "accepted_size"))
        let different: String? =
            if destination != earlier.destination {
                "destination '\(earlier.destination.escapedForLog)'"
            } else if size != earlier.size && size != acceptedSize {
                "\(acceptedSize) bytes"
            } else if compression != earlier.compression {
                "compression '\(earlier.compression)'"
            } else {
                nil
            }
        if let different {
            throw ArtifactError(
                .idempotencyConflict,
                "the idempotency key of this request belongs to job \(earlier.id), which has \(different); use a new key")
        }
        return earlier
    }

    private static let search =
        "SELECT \(JobRecord.columns), accepted_size FROM jobs WHERE uid = ? AND tenant = ? AND idempotency_key = ?"

    private static let insertion = """
        INSERT INTO jobs (
            id, uid, gid, tenant, idempotency_key, destination, label, path, size, accepted_size,
            source_device, source_inode, source_size, source_mtime_ns,
            level, pin, spool_name, compression, change_policy, kind, content_type, state, accepted_at, updated_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(States.accepted), ?, ?)
        """

    private var arguments: StatementArguments {
        [
            id.bytes.blob, uid, gid, tenant, idempotencyKey?.blob, destination, label, path, size.bits, size.bits,
            fingerprint?.device.bits, fingerprint?.inode.bits, fingerprint?.size.bits, fingerprint?.modifiedNanoseconds,
            level.rawValue, pin.rawValue, spoolName, compression.rawValue, changePolicy.rawValue, kind.rawValue, contentType,
            acceptedAt, acceptedAt,
        ]
    }
}
