import ArtifactModel
import GRDB

extension PendingJob {
    /// The columns of `jobs` that make a pending job.
    static let columns = """
        seq, state, attempts, encoding, upload_intended_at, upload_id, upload_codec, upload_part_size, \(NewJob.columns)
        """

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        let sequence: Int64 = try column.next()
        let state: JobState = try column.nextCase()
        let attempts: UInt32 = try column.next()
        let encoding: ContentEncoding? = try column.nextCaseIfPresent()
        let upload = try column.nextUpload()
        self.init(
            sequence: sequence, job: try column.nextJob(), state: state, attempts: attempts, encoding: encoding, upload: upload)
    }
}

extension NewJob {
    /// The columns of `jobs` that make a hand-over.
    fileprivate static let columns = """
        id, uid, gid, tenant, idempotency_key, destination, label, path, size, \
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

    fileprivate mutating func nextJob() throws -> NewJob {
        NewJob(
            id: try nextID(), uid: try next(), gid: try next(), tenant: try next(), idempotencyKey: try nextBytesIfPresent(),
            destination: try next(), label: try next(), path: try nextIfPresent(), size: try nextUnsigned(),
            fingerprint: try nextFingerprint(), level: try nextCase(), pin: try nextCase(), spoolName: try nextIfPresent(),
            compression: try nextCase(), changePolicy: try nextCase(), kind: try nextCase(), contentType: try next(),
            acceptedAt: try next())
    }
}
