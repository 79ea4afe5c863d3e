import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore
import Pipeline
import WorkerPool

extension UploadEngine {
    /// Reads and encodes a chunk, and sends the parts that are complete with it.
    /// - Returns: the bytes that were sent; nil when no part was.
    func process(_ chunk: UploadPlan.Chunk, of upload: Upload, _ worker: Worker) throws(ArtifactError) -> UInt64? {
        guard let prepared = upload.prepared else {
            throw ArtifactError(.internalFault, "a chunk of an upload that is not prepared")
        }
        worker.sent = 0
        let (buffer, rawCheck) = try encode(chunk, prepared, worker)
        // After the read, so that no changed bytes are ever sent.
        try prepared.source.verify()
        if upload.isEnding { return nil }
        let ready: [Upload.ReadyPart]
        do throws(PlanMismatch) {
            ready = try upload.deliver(chunk, buffer, rawCheck: rawCheck, buffers: dispatcher.buffers)
        } catch {
            upload.end(.afresh(error.reason))
            return nil
        }
        let session = worker.session(upload.store)
        // Sending takes a while, and what was appended has made room for further chunks.
        if prepared.window > 0, !ready.isEmpty { dispatcher.madeRoom() }
        for part in ready {
            if upload.isEnding { return nil }
            if let parts = try send(part, of: upload, prepared, session) {
                try complete(upload, prepared.source, parts, session)
            }
            worker.sent += part.part.size
            dispatcher.buffers.give(part.buffer)
        }
        return ready.isEmpty ? nil : worker.sent
    }

    /// The chunk's bytes as they go into the object, and the check of the source's.
    private func encode(
        _ chunk: UploadPlan.Chunk, _ prepared: Upload.Prepared, _ worker: Worker
    ) throws(ArtifactError) -> (PartBuffer, CRC) {
        let buffers = dispatcher.buffers
        let raw = buffers.take(capacity: chunk.length)
        try prepared.source.read(offset: chunk.offset, into: UnsafeMutableRawBufferPointer(start: raw.base, count: chunk.length))
        raw.count = chunk.length
        let rawCheck = Checksummer.crc(.crc32c, raw.bytes)
        if prepared.encoding == .identity { return (raw, rawCheck) }
        let frame = buffers.take(capacity: Compressor.bound(prepared.encoding, chunk.length))
        frame.count = try worker.compressor(prepared.encoding).compress(raw.bytes, into: frame.unused)
        buffers.give(raw)
        return (frame, rawCheck)
    }

    private func send(
        _ ready: Upload.ReadyPart, of upload: Upload, _ prepared: Upload.Prepared, _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> [PartRecord]? {
        let check = try session.integrity().crc.map { algorithm in
            prepared.encoding == .identity && algorithm == .crc32c
                ? ready.rawCheck : Checksummer.crc(algorithm, ready.buffer.bytes)
        }
        let part = ready.part
        let begunAt = System.monotonicNanoseconds()
        let receipt = try session.uploadPart(
            PartDescription(
                key: upload.key, uploadID: prepared.uploadID, number: part.number, offset: part.offset, check: check),
            body: ready.buffer.bytes)
        let record = PartRecord(
            number: part.number, rawOffset: part.rawOffset, rawLength: part.rawLength, offset: part.offset, size: part.size,
            etag: receipt.etag, check: check, rawCheck: ready.rawCheck)
        journal.submit(.partSent(upload.sequence, record), completion: nil)
        dispatcher.count(read: part.rawLength, sent: part.size, begunAt: begunAt)
        return upload.sent(record)
    }

    /// Makes the object of its parts, once all are in the store and the source is known not to have changed until then.
    func complete(
        _ upload: Upload, _ source: Source, _ parts: [PartRecord], _ session: any ObjectStoreSession
    ) throws(ArtifactError) {
        guard let prepared = upload.prepared else {
            throw ArtifactError(.internalFault, "an upload that is not prepared is complete")
        }
        try source.verify()
        if upload.isEnding { return }
        let receipts = parts.map { PartReceipt(number: $0.number, size: $0.size, etag: $0.etag, check: $0.check) }
        let stored: StoredObject
        do throws(ArtifactError) {
            stored = try session.completeUpload(
                key: upload.key, uploadID: prepared.uploadID, parts: receipts, check: Self.joined(parts.map(\.check)))
        } catch {
            // The object is there, and is not what was sent: it must be sent again from the first byte.
            if error.code == .checksumMismatch, upload.delays < 5 { return upload.end(.afresh(error.message)) }
            // The request may have been answered before: libcurl sends it again by itself when a kept-alive connection breaks.
            if error.code == .noSuchUpload, let facts = try self.stored(upload, outOf: parts, session) {
                return upload.end(.stored(facts))
            }
            throw error
        }
        upload.end(
            .stored(
                StoredFacts(
                    etag: stored.etag, size: parts.reduce(0) { $0 + $1.size }, checksum: stored.checksum,
                    rawChecksum: Self.rawCheck(of: parts))))
    }

    /// The check of the whole out of those of its parts; nil when one is missing.
    static func joined(_ checks: [CRC?]) -> CRC? {
        guard let first = checks.first ?? nil else { return nil }
        var whole = CRC.empty(first.algorithm)
        for check in checks {
            guard let check, check.algorithm == whole.algorithm else { return nil }
            whole = whole.joined(with: check)
        }
        return whole
    }

    /// The check of the source's bytes, as `crc32c:base64`; nil when a part has none.
    static func rawCheck(of parts: [PartRecord]) -> String? {
        joined(parts.sorted { $0.number < $1.number }.map(\.rawCheck)).map { "crc32c:\($0.base64)" }
    }
}
