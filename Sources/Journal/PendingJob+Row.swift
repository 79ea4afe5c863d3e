import ArtifactModel
import GRDB

extension PendingJob {
    /// The columns of `jobs` that make a pending job.
    static let columns = """
        seq, state, attempts, encoding, upload_intended_at, upload_id, upload_codec, upload_part_size, \(NewJob.columns), \
        \(experimentID), IFNULL((SELECT NOT is_confirmed FROM experiments WHERE experiments.id = \(experimentID)), FALSE)
        """

    private static let experimentID = "(SELECT experiment_id FROM runs WHERE runs.id = jobs.run_id)"

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        let sequence: Int64 = try column.next()
        let state: JobState = try column.nextCase()
        let attempts: UInt32 = try column.next()
        let encoding: ContentEncoding? = try column.nextCaseIfPresent()
        let upload = try column.nextUpload()
        self.init(
            sequence: sequence, job: try column.nextJob(), state: state, attempts: attempts, encoding: encoding, upload: upload,
            experimentID: try column.nextIfPresent(), isProvisional: try column.next())
    }
}

extension NewJob {
    /// The columns of `jobs` that make a hand-over.
    fileprivate static let columns = """
        id, uid, gid, tenant, idempotency_key, destination, run_id, artifact_path, group_name, member, label, path, size, \
        source_device, source_inode, source_size, source_mtime_ns, \
        level, pin, spool_name, compression, change_policy, kind, content_type, accepted_at
        """
}

extension ColumnReader {
    fileprivate mutating func nextUpload() throws -> PendingJob.Upload? {
        let intendedAt: Int64? = try nextIfPresent()
        let id: String? = try nextIfPresent()
        let codec: String? = try nextIfPresent()
        let partSize = try nextUnsignedIfPresent()
        guard let intendedAt, let codec, let partSize else { return nil }
        return PendingJob.Upload(intendedAt: intendedAt, id: id, codec: codec, partSize: partSize)
    }

    fileprivate mutating func nextFingerprint() throws -> SourceFingerprint? {
        let device = try nextUnsignedIfPresent()
        let inode = try nextUnsignedIfPresent()
        let size = try nextUnsignedIfPresent()
        let modified: Int64? = try nextIfPresent()
        guard let device, let inode, let size, let modified else { return nil }
        return SourceFingerprint(device: device, inode: inode, size: size, modifiedNanoseconds: modified)
    }

    fileprivate mutating func nextRunPlace() throws -> RunPlace? {
        let runID: String? = try nextIfPresent()
        let path: String? = try nextIfPresent()
        let group: String? = try nextIfPresent()
        let member: UInt32? = try nextIfPresent()
        guard let runID, let path else { return nil }
        return RunPlace(runID: runID, path: path, group: group, member: member ?? 0)
    }

    fileprivate mutating func nextJob() throws -> NewJob {
        NewJob(
            id: try nextID(), uid: try next(), gid: try next(), tenant: try next(), idempotencyKey: try nextBytesIfPresent(),
            destination: try next(), run: try nextRunPlace(), label: try next(), path: try nextIfPresent(),
            size: try nextUnsigned(),
            fingerprint: try nextFingerprint(), level: try nextCase(), pin: try nextCase(), spoolName: try nextIfPresent(),
            compression: try nextCase(), changePolicy: try nextCase(), kind: try nextCase(), contentType: try next(),
            acceptedAt: try next())
    }
}
