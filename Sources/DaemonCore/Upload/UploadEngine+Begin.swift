import ArtifactModel
import Glibc
import Journal
import LinuxSystem
import ObjectStore
import Pipeline
import WorkerPool

/// The names of the metadata that every object carries.
enum ObjectMetadata {
    /// The job that stored the object: tells after a crash whether it is ours.
    static let job = "artifactd-job"
    /// The size of the source in bytes.
    static let size = "artifactd-size"
    static let kind = "artifactd-kind"
    /// The source's CRC-32C in base64, where the object was stored in one request.
    static let check = "artifactd-crc32c"
}

extension UploadEngine {
    /// Begins an upload: opens the source, finds out how far an earlier attempt came, and stores a small object at once.
    /// - Returns: the bytes that were sent; nil when the store was not asked.
    func begin(_ upload: Upload, _ worker: Worker) throws(ArtifactError) -> UInt64? {
        guard let pending = try journal.pendingJob(upload.sequence), !pending.state.isFinal else {
            upload.end(.gone)
            return nil
        }
        worker.sent = 0
        upload.openUploadID = pending.upload?.id
        let session = worker.session(upload.store)
        if let facts = try storedEarlier(pending, upload, session) {
            log.info("the object was in the store already", metadata: ["job": "\(upload.id)"])
            let encoding = pending.encoding ?? .identity
            journal.submit(.began(upload.sequence, encoding: encoding, at: System.wallMilliseconds()), completion: nil)
            upload.end(.stored(facts))
            return 0
        }
        // The configuration may have changed since the hand-over, and the source may have new content.
        try sizing.check(size: pending.job.size, compression: pending.job.compression)
        let source = try openSource(pending)
        // Nobody writes to what is the daemon's own.
        if pending.job.pin != .spool { source.waitUntilWritesShow() }
        try source.verify()
        if sizing.isSingle(pending.job.size) {
            // An upload in parts is left from a time when parts were smaller.
            if let earlier = pending.upload { try giveUp(earlier, upload, session) }
            try storeWhole(pending, source, upload, session, worker)
        } else if let parts = try prepareParts(pending, source, upload, session) {
            try complete(upload, source, parts, session)
        }
        return worker.sent
    }

    /// The facts of the object, where an earlier attempt has stored it and the journal did not learn of it.
    ///
    /// It must be ours and have the size and, where the store says one, the checksum of what was sent. Where that cannot be told
    /// the object is sent again: that costs time, and an object that is not what was sent would cost the artifact.
    private func storedEarlier(
        _ pending: PendingJob, _ upload: Upload, _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> StoredFacts? {
        let isSingle = sizing.isSingle(pending.job.size)
        guard isSingle ? pending.attempts > 0 : pending.upload?.id != nil else { return nil }
        guard isSingle else { return try stored(upload, outOf: try journal.parts(upload.sequence), session) }
        // Of a compressed object neither size nor checksum is known before it is compressed again.
        guard let info = try Self.found(upload.key, session), isOurs(info, upload), info.encoding == .identity,
            info.size == pending.job.size, let check = info.metadata[ObjectMetadata.check],
            Self.agrees(info.checksum, "crc32c", check)
        else { return nil }
        return StoredFacts(etag: info.etag, size: info.size, checksum: info.checksum, rawChecksum: "crc32c:\(check)")
    }

    /// The facts of the object, where the store has made it of these parts although its answer was lost.
    func stored(
        _ upload: Upload, outOf parts: [PartRecord], _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> StoredFacts? {
        guard let info = try Self.found(upload.key, session), isOurs(info, upload),
            parts.reduce(0, { $0 + $1.rawLength }) == upload.size, parts.reduce(0, { $0 + $1.size }) == info.size
        else { return nil }
        if let check = Self.joined(parts.map(\.check)), !Self.agrees(info.checksum, "\(check.algorithm)", check.base64) {
            return nil
        }
        return StoredFacts(etag: info.etag, size: info.size, checksum: info.checksum, rawChecksum: Self.rawCheck(of: parts))
    }

    /// What the store has under a key; nil also for a damaged object: it is to be replaced.
    private static func found(_ key: ObjectKey, _ session: any ObjectStoreSession) throws(ArtifactError) -> ObjectInfo? {
        do throws(ArtifactError) { return try session.head(key) } catch {
            guard error.code == .corruptObject else { throw error }
            return nil
        }
    }

    private func isOurs(_ info: ObjectInfo, _ upload: Upload) -> Bool {
        info.metadata[ObjectMetadata.job] == "\(upload.id)" && info.metadata[ObjectMetadata.size] == "\(upload.size)"
    }

    /// Whether the store's checksum, where it has one in this algorithm, is that of what was sent.
    private static func agrees(_ stored: String?, _ algorithm: String, _ sent: String) -> Bool {
        guard let value = stored?.dropping(prefix: "\(algorithm):") else { return true }
        return value == sent
    }

    // MARK: The source

    /// Opens what the job's pin holds.
    /// - Throws: `sourceLost` when the pin holds nothing any more.
    func openSource(_ pending: PendingJob) throws(ArtifactError) -> Source {
        let job = pending.job
        if job.pin == .inline {
            guard let bytes = try journal.inlineBytes(pending.sequence) else {
                throw ArtifactError(.sourceLost, "the bytes of job \(job.id) are not in the journal")
            }
            return .bytes(bytes)
        }
        guard let fingerprint = job.fingerprint else {
            throw ArtifactError(.internalFault, "job \(job.id) has a file and no fingerprint")
        }
        switch job.pin {
        case .link, .spool:
            let name = job.spoolName ?? Spool.linkName(of: job.id)
            do throws(SystemError) { return .file(try spool.open(name), fingerprint) } catch {
                if error.errno != ENOENT {
                    throw ArtifactError(.sourceUnreadable, "the spool file of job \(job.id) cannot be opened", cause: "\(error)")
                }
            }
        case .descriptor, .descriptorStore:
            if let descriptor = pins.descriptor(of: job.id) { return .file(descriptor, fingerprint) }
        case .path, .inline: break
        }
        return .file(try SourceCheck.reopen(job), fingerprint)
    }

    // MARK: A small object

    private func storeWhole(
        _ pending: PendingJob, _ source: Source, _ upload: Upload, _ session: any ObjectStoreSession, _ worker: Worker
    ) throws(ArtifactError) {
        let encoding = try CompressionChoice.encoding(for: pending.job.compression, source: source)
        journal.submit(.began(upload.sequence, encoding: encoding, at: System.wallMilliseconds()), completion: nil)
        let buffers = dispatcher.buffers
        let size = Int(pending.job.size)
        let body = buffers.take(capacity: encoding == .identity ? size : sizing.singleCapacity(encoding, size: size))
        defer { buffers.give(body) }
        let rawCheck: CRC
        if encoding == .identity {
            try source.read(offset: 0, into: UnsafeMutableRawBufferPointer(start: body.base, count: size))
            body.count = size
            rawCheck = Checksummer.crc(.crc32c, body.bytes)
        } else {
            rawCheck = try compressWhole(source, size, encoding, into: body, worker)
        }
        try source.verify()
        let description = Self.describe(pending.job, upload.key, encoding, rawCheck: rawCheck)
        let check = try session.integrity().crc.map { algorithm in
            encoding == .identity && algorithm == .crc32c ? rawCheck : Checksummer.crc(algorithm, body.bytes)
        }
        let begunAt = System.monotonicNanoseconds()
        let stored = try session.put(description, body: body.bytes, check: check)
        worker.sent = UInt64(body.count)
        dispatcher.count(read: pending.job.size, sent: worker.sent, begunAt: begunAt)
        upload.end(
            .stored(
                StoredFacts(
                    etag: stored.etag, size: worker.sent, checksum: stored.checksum, rawChecksum: "crc32c:\(rawCheck.base64)")))
    }

    private func compressWhole(
        _ source: Source, _ size: Int, _ encoding: ContentEncoding, into body: PartBuffer, _ worker: Worker
    ) throws(ArtifactError) -> CRC {
        let buffers = dispatcher.buffers
        let raw = buffers.take(capacity: min(size, UploadSizing.chunk))
        defer { buffers.give(raw) }
        let compressor = try worker.compressor(encoding)
        var rawCheck = CRC.empty(.crc32c)
        var offset = 0
        repeat {
            raw.count = min(UploadSizing.chunk, size - offset)
            try source.read(offset: UInt64(offset), into: UnsafeMutableRawBufferPointer(start: raw.base, count: raw.count))
            rawCheck = rawCheck.joined(with: Checksummer.crc(.crc32c, raw.bytes))
            body.count += try compressor.compress(raw.bytes, into: body.unused)
            offset += raw.count
        } while offset < size
        return rawCheck
    }

    // MARK: An object in parts

    static func describe(_ job: NewJob, _ key: ObjectKey, _ encoding: ContentEncoding, rawCheck: CRC? = nil) -> ObjectDescription
    {
        var metadata = [
            (name: ObjectMetadata.job, value: "\(job.id)"), (name: ObjectMetadata.size, value: "\(job.size)"),
            (name: ObjectMetadata.kind, value: "\(job.kind)"),
        ]
        if let rawCheck { metadata.append((ObjectMetadata.check, rawCheck.base64)) }
        return ObjectDescription(key: key, contentType: job.contentType, encoding: encoding, metadata: metadata)
    }

    private func prepareParts(
        _ pending: PendingJob, _ source: Source, _ upload: Upload, _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> [PartRecord]? {
        if let earlier = pending.upload {
            if let (prepared, plan, done) = try resume(earlier, pending, source, upload, session) {
                return upload.prepare(prepared, plan: plan, done: done)
            }
            try giveUp(earlier, upload, session)
        }
        let encoding = try CompressionChoice.encoding(for: pending.job.compression, source: source)
        let partSize = encoding == .identity ? sizing.identityPart(size: upload.size) : sizing.encodedPart(size: upload.size)
        let now = System.wallMilliseconds()
        journal.submit(.began(upload.sequence, encoding: encoding, at: now), completion: nil)
        // The intent is in the journal before the store is asked: an upload whose id gets lost can then be found and aborted.
        _ = try journal.apply(
            .uploadIntended(upload.sequence, codec: Compressor.codecName(encoding), partSize: partSize, at: now))
        let uploadID = try session.createUpload(Self.describe(pending.job, upload.key, encoding))
        guard try journal.apply(.uploadCreated(upload.sequence, uploadID: uploadID)) else {
            dispatcher.abort([UploadToAbort(destination: upload.destination, uploadID: uploadID)])
            upload.end(.gone)
            return nil
        }
        upload.openUploadID = uploadID
        let plan: UploadPlan
        do throws(PlanMismatch) { plan = try makePlan(upload, encoding, partSize, done: []) } catch {
            throw ArtifactError(.internalFault, "no plan for job \(upload.id)", cause: error.reason)
        }
        return upload.prepare(prepared(source, encoding, uploadID, partSize), plan: plan, done: [])
    }

    /// What it takes to go on with the upload of an earlier attempt; nil when that is not possible.
    private func resume(
        _ earlier: PendingJob.Upload, _ pending: PendingJob, _ source: Source, _ upload: Upload,
        _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> (Upload.Prepared, UploadPlan, done: [PartRecord])? {
        guard let uploadID = earlier.id, let encoding = pending.encoding, Compressor.codecName(encoding) == earlier.codec,
            sizing.fits(partSize: earlier.partSize, encoding)
        else { return nil }
        let listed: [ListedPart]
        do throws(ArtifactError) { listed = try session.listParts(key: upload.key, uploadID: uploadID) } catch {
            if error.code == .noSuchUpload { return nil }
            throw error
        }
        // Some servers list a part that was sent twice twice: any of its versions may be the one in the journal.
        let done = try journal.parts(upload.sequence).filter { part in
            listed.contains { $0.number == part.number && $0.size == part.size && $0.etag == part.etag }
        }
        let plan: UploadPlan
        do throws(PlanMismatch) { plan = try makePlan(upload, encoding, earlier.partSize, done: done) } catch {
            log.notice("an upload begins afresh", metadata: ["job": "\(upload.id)", "reason": "\(error.reason)"])
            return nil
        }
        journal.submit(.began(upload.sequence, encoding: encoding, at: System.wallMilliseconds()), completion: nil)
        log.info(
            "an upload is resumed",
            metadata: ["job": "\(upload.id)", "parts": "\(done.count)", "bytes": "\(plan.rawBytesDone)"])
        return (prepared(source, encoding, uploadID, earlier.partSize), plan, done)
    }

    private func makePlan(
        _ upload: Upload, _ encoding: ContentEncoding, _ partSize: UInt64, done: [PartRecord]
    ) throws(PlanMismatch) -> UploadPlan {
        try UploadPlan(
            size: upload.size, encoding: encoding, partTarget: partSize,
            chunkSize: encoding == .identity ? partSize : UInt64(UploadSizing.chunk),
            minimumPartSize: UInt64(stores.all[upload.store].limits.minimumPartSize),
            done: done.map {
                UploadPlan.Part(
                    number: $0.number, rawOffset: $0.rawOffset, rawLength: $0.rawLength, offset: $0.offset, size: $0.size)
            })
    }

    private func prepared(_ source: Source, _ encoding: ContentEncoding, _ uploadID: String, _ partSize: UInt64)
        -> Upload.Prepared
    {
        Upload.Prepared(
            source: source, encoding: encoding, uploadID: uploadID,
            partCapacity: encoding == .identity ? Int(partSize) : sizing.encodedPartCapacity(target: partSize, encoding),
            window: encoding == .identity ? 0 : sizing.window(target: partSize, encoding))
    }

    /// Has an earlier attempt's upload aborted, to begin without it.
    private func giveUp(
        _ earlier: PendingJob.Upload, _ upload: Upload, _ session: any ObjectStoreSession
    ) throws(ArtifactError) {
        guard let uploadID = earlier.id else { return try abortStrays(since: earlier.intendedAt, upload, session) }
        _ = try journal.apply(.uploadReset(upload.sequence))
        upload.openUploadID = nil
        dispatcher.abort([UploadToAbort(destination: upload.destination, uploadID: uploadID)])
    }

    /// Aborts uploads of this key whose ids were never learnt: the daemon ended between asking for them and the answer.
    ///
    /// The store says only when an upload was created, by its own clock. So those are taken that were created between the intent
    /// and now, give or take five minutes; another writer's upload to the same key in that time cannot be told apart.
    private func abortStrays(since intendedAt: Int64, _ upload: Upload, _ session: any ObjectStoreSession) throws(ArtifactError) {
        let leeway: Int64 = 300_000
        let window = (intendedAt - leeway)...(max(intendedAt, System.wallMilliseconds()) + leeway)
        for stray in try session.listUploads(key: upload.key) where window.contains(stray.initiatedAt) {
            log.notice(
                "an orphaned multipart upload is aborted",
                metadata: ["job": "\(upload.id)", "destination": "\(upload.destination)"])
            try session.abortUpload(key: upload.key, uploadID: stray.id)
        }
        _ = try journal.apply(.uploadReset(upload.sequence))
    }
}
