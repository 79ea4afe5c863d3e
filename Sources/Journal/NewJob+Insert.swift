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
        // Before the run is looked at: a request that is sent again after the run's end must find its job.
        if let duplicate = try duplicate(in: db) { return .duplicate(duplicate) }
        let (destination, isProvisional) = try decideDestination(in: db)
        do {
            _ = try db.run(Self.insertion, arguments(destination))
        } catch DatabaseError.SQLITE_CONSTRAINT {
            throw ArtifactError(.conflict, "job \(id) is in the journal already; use a new id")
        }
        let sequence = db.lastInsertedRowID
        if let inlineBytes {
            _ = try db.run("INSERT INTO inline (seq, bytes) VALUES (?, ?)", [sequence, inlineBytes.blob])
        }
        if let run { _ = try db.run("UPDATE runs SET last_job_at = ? WHERE id = ?", [acceptedAt, run.runID]) }
        return .accepted(sequence: sequence, destination: destination, isProvisional: isProvisional)
    }

    /// The object's URI, and whether it is provisional. An artifact of a run lies where the run's experiment has its place.
    private func decideDestination(in db: Database) throws -> (uri: String, isProvisional: Bool) {
        guard let run else { return (destination, false) }
        guard let row = try db.firstRow(Self.place, [run.runID]) else { throw ArtifactError.noRun(run.runID) }
        var column = ColumnReader(row)
        guard try column.next(String.self) == tenant else { throw ArtifactError.foreignRun(run.runID, tenant: tenant) }
        let status: RunStatus = try column.nextCase()
        guard status == .running else {
            throw ArtifactError(
                .conflict, "run '\(run.runID.escapedForLog)' has ended (\(status)) and takes no more artifacts; start another run"
            )
        }
        if let group = run.group, try db.exists(Self.groupIsCommitted, [run.runID, group]) {
            throw ArtifactError(
                .conflict,
                "group '\(group.escapedForLog)' of run '\(run.runID.escapedForLog)' is committed and takes no more artifacts; "
                    + "use another group")
        }
        let uri = Experiment.artifactURI(location: try column.next(), run: run.runID)
        return ("\(uri)/\(run.path)", try column.next())
    }

    private static let place = """
        SELECT runs.tenant, runs.status, experiments.artifact_location, NOT experiments.is_confirmed
        FROM runs CROSS JOIN experiments ON experiments.id = runs.experiment_id WHERE runs.id = ?
        """

    private static let groupIsCommitted =
        "SELECT 1 FROM commits WHERE run_id = ? AND group_name = ? AND committed_at IS NOT NULL LIMIT 1"

    /// Content is told by destination, size and compression: inode and times may differ when the same request is sent again. A
    /// source that was renewed in the meantime has two sizes, and either is right.
    private func duplicate(in db: Database) throws -> JobRecord? {
        guard let idempotencyKey else { return nil }
        let arguments: StatementArguments = [uid, tenant, idempotencyKey.blob]
        // Nearly always there is none, and GRDB makes much of a whole row before it looks.
        guard try db.exists(Self.keyIsKnown, arguments), let row = try db.firstRow(Self.search, arguments) else { return nil }
        let earlier = try JobRecord(row)
        let acceptedSize = UInt64(bitPattern: try row.decode(Int64.self, forColumn: "accepted_size"))
        let different: String? =
            if try !isSameDestination(as: earlier, row) {
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

    /// By bytes: Swift's strings are equal under normalisation, keys are not. Of a run's artifact run and path count, since its
    /// destination may have been decided anew.
    private func isSameDestination(as earlier: JobRecord, _ row: Row) throws -> Bool {
        guard let run else { return destination.utf8.elementsEqual(earlier.destination.utf8) }
        let runID = try row.decode(String?.self, forColumn: "run_id")
        let path = try row.decode(String?.self, forColumn: "artifact_path")
        guard let runID, let path else { return false }
        return run.runID.utf8.elementsEqual(runID.utf8) && run.path.utf8.elementsEqual(path.utf8)
    }

    private static let byKey = "FROM jobs WHERE uid = ? AND tenant = ? AND idempotency_key = ?"
    private static let keyIsKnown = "SELECT 1 \(byKey)"
    private static let search = "SELECT \(JobRecord.columns), accepted_size, run_id, artifact_path \(byKey)"

    private static let insertion = """
        INSERT INTO jobs (
            id, uid, gid, tenant, idempotency_key, destination, run_id, artifact_path, group_name, member,
            label, path, size, accepted_size, source_device, source_inode, source_size, source_mtime_ns,
            level, pin, spool_name, compression, change_policy, kind, content_type, state, accepted_at, updated_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(States.accepted), ?, ?)
        """

    private func arguments(_ destination: String) -> StatementArguments {
        [
            id.bytes.blob, uid, gid, tenant, idempotencyKey?.blob, destination, run?.runID, run?.path, run?.group,
            run.flatMap { $0.group == nil ? nil : $0.member }, label, path, size.bits, size.bits, fingerprint?.device.bits,
            fingerprint?.inode.bits, fingerprint?.size.bits, fingerprint?.modifiedNanoseconds,
            level.rawValue, pin.rawValue, spoolName, compression.rawValue, changePolicy.rawValue, kind.rawValue, contentType,
            acceptedAt, acceptedAt,
        ]
    }
}
