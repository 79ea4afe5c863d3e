import ArtifactModel
import GRDB

extension Change {
    /// Makes the change. False when the job is in no state that allows it, or is not there.
    func apply(to db: Database) throws -> Bool {
        switch self {
        case .began(let sequence, let encoding, let at):
            return try db.run(Self.begin, [encoding.rawValue, at, sequence]) > 0
        case .uploadIntended(let sequence, let codec, let partSize, let at):
            return try db.run(Self.intend, [at, codec, partSize.bits, sequence]) > 0
        case .uploadCreated(let sequence, let uploadID):
            if try db.run(Self.create, [uploadID, sequence, uploadID]) > 0 { return true }
            _ = try db.run(Self.abortUnwanted, [uploadID, sequence])
            return false
        case .partSent(let sequence, let part):
            return try db.run(Self.addPart, part.arguments + [sequence]) > 0
        case .uploadReset(let sequence):
            return try Self.resetUpload(sequence, in: db)
        case .stored(let sequence, let facts, let at):
            let arguments: StatementArguments = [facts.size.bits, facts.etag, facts.checksum, facts.rawChecksum, at, sequence]
            guard try db.run(Self.store, arguments) > 0 else { return false }
            try Self.dropBelongings(of: sequence, in: db)
            return true
        case .failed(let sequence, let error, let at):
            try Self.abortUpload(of: sequence, from: States.pending, in: db)
            guard try db.run(Self.fail, error.arguments + [at, sequence]) > 0 else { return false }
            try Self.dropParts(of: sequence, in: db)
            return true
        case .waiting(let sequence, let error, let at):
            return try db.run(Self.wait, error.arguments + [at, sequence]) > 0
        case .cancelled(let sequence, let at):
            try Self.abortUpload(of: sequence, from: States.holding, in: db)
            guard try db.run(Self.cancel, [at, sequence]) > 0 else { return false }
            try Self.dropBelongings(of: sequence, in: db)
            return true
        case .retried(let sequence, let at):
            return try db.run(Self.retry, [at, sequence]) > 0
        case .pinned(let sequence, let pin, let spoolName, let fingerprint, let level):
            let arguments: StatementArguments = [pin.rawValue, spoolName, level.rawValue]
            return try db.run(Self.pin, arguments + SourceFingerprint.arguments(fingerprint) + [sequence]) > 0
        case .sourceRenewed(let sequence, let fingerprint, let size):
            guard try Self.resetUpload(sequence, in: db) else { return false }
            return try db.run(Self.renew, [size.bits] + SourceFingerprint.arguments(fingerprint) + [sequence]) > 0
        case .uploadAborted(let uploadID):
            return try db.run("DELETE FROM aborts WHERE upload_id = ?", [uploadID]) > 0
        }
    }

    // MARK: Statements

    private static let forgetError = "error_code = NULL, error_message = NULL, error_cause = NULL"
    private static let forgetUpload =
        "upload_intended_at = NULL, upload_codec = NULL, upload_part_size = NULL, upload_id = NULL"
    private static let setError = "error_code = ?, error_message = ?, error_cause = ?"
    private static let setFingerprint = "source_device = ?, source_inode = ?, source_size = ?, source_mtime_ns = ?"

    private static let begin = """
        UPDATE jobs SET state = \(States.uploading), encoding = ?, attempts = attempts + 1, \(forgetError), updated_at = ?
        WHERE seq = ? AND state IN \(States.pending)
        """
    private static let intend = """
        UPDATE jobs SET upload_intended_at = IFNULL(upload_intended_at, ?), upload_codec = ?, upload_part_size = ?
        WHERE seq = ? AND state = \(States.uploading) AND upload_id IS NULL
        """
    private static let create = """
        UPDATE jobs SET upload_id = ?
        WHERE seq = ? AND state = \(States.uploading) AND upload_intended_at IS NOT NULL AND IFNULL(upload_id = ?, TRUE)
        """
    private static let abortUnwanted =
        "INSERT OR IGNORE INTO aborts (upload_id, destination) SELECT ?, destination FROM jobs WHERE seq = ?"
    private static let addPart = """
        INSERT OR REPLACE INTO parts (\(PartRecord.columns), seq)
        SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, seq FROM jobs
        WHERE seq = ? AND state = \(States.uploading) AND upload_id IS NOT NULL
        """
    private static let reset = "UPDATE jobs SET \(forgetUpload) WHERE seq = ? AND state IN \(States.pending)"
    private static let store = """
        UPDATE jobs SET state = \(States.stored), stored_size = ?, etag = ?, checksum = ?, raw_checksum = ?, \(forgetError),
            \(forgetUpload), updated_at = ?
        WHERE seq = ? AND state = \(States.uploading)
        """
    /// The intent stays: where the upload's id was never learnt, a retry must still look for it.
    private static let fail = """
        UPDATE jobs SET state = \(States.failed), upload_id = NULL, \(setError), updated_at = ?
        WHERE seq = ? AND state IN \(States.pending)
        """
    private static let wait = """
        UPDATE jobs SET state = \(States.accepted), \(setError), updated_at = ? WHERE seq = ? AND state IN \(States.pending)
        """
    private static let cancel = """
        UPDATE jobs SET state = \(States.cancelled), \(forgetUpload), updated_at = ? WHERE seq = ? AND state IN \(States.holding)
        """
    private static let retry = """
        UPDATE jobs SET state = \(States.accepted), \(forgetError), updated_at = ? WHERE seq = ? AND state = \(States.failed)
        """
    private static let pin = """
        UPDATE jobs SET pin = ?, spool_name = ?, level = ?, \(setFingerprint) WHERE seq = ? AND state IN \(States.holding)
        """
    private static let renew = "UPDATE jobs SET size = ?, \(setFingerprint) WHERE seq = ?"

    // MARK: What hangs on a job

    private static func resetUpload(_ sequence: Int64, in db: Database) throws -> Bool {
        try abortUpload(of: sequence, from: States.pending, in: db)
        guard try db.run(reset, [sequence]) > 0 else { return false }
        try dropParts(of: sequence, in: db)
        return true
    }

    /// Notes the job's upload, if it has one, among those to abort.
    private static func abortUpload(of sequence: Int64, from states: String, in db: Database) throws {
        let note = """
            INSERT OR IGNORE INTO aborts (upload_id, destination)
            SELECT upload_id, destination FROM jobs WHERE seq = ? AND state IN \(states) AND upload_id IS NOT NULL
            """
        _ = try db.run(note, [sequence])
    }

    private static func dropParts(of sequence: Int64, in db: Database) throws {
        _ = try db.run("DELETE FROM parts WHERE seq = ?", [sequence])
    }

    private static func dropBelongings(of sequence: Int64, in db: Database) throws {
        _ = try db.run("DELETE FROM inline WHERE seq = ?", [sequence])
        try dropParts(of: sequence, in: db)
    }
}

extension ArtifactError {
    /// Code, message and cause, in the order of the columns.
    fileprivate var arguments: StatementArguments { [code.rawValue, message, cause] }
}

extension PartRecord {
    /// In the order of `PartRecord.columns`.
    fileprivate var arguments: StatementArguments {
        [
            number, rawOffset.bits, rawLength.bits, offset.bits, size.bits, etag, check?.algorithm.rawValue, check?.value.bits,
            rawCheck?.value.bits,
        ]
    }
}

extension SourceFingerprint {
    /// In the order of the columns; all NULL for nil.
    fileprivate static func arguments(_ fingerprint: SourceFingerprint?) -> StatementArguments {
        [
            fingerprint?.device.bits, fingerprint?.inode.bits, fingerprint?.size.bits, fingerprint?.modifiedNanoseconds,
        ]
    }
}
