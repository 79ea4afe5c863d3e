import ArtifactModel
import Journal
import LinuxSystem
import Pipeline

extension UploadEngine {
    /// Brings an upload's end into the journal, and from there to the dispatcher. Called once, when no worker is on it any more.
    func settle(_ upload: Upload, _ ending: Upload.Ending) {
        let now = System.wallMilliseconds()
        switch ending {
        case .stored(let facts):
            dispatcher.settling(upload)
            commit(.stored(upload.sequence, facts, at: now), upload) { engine in
                engine.finish(upload.sequence, upload.id, .stored)
            }
        case .failed(let error):
            log.error(
                "a job failed, and stays until it is retried or cancelled",
                metadata: [
                    "job": "\(upload.id)", "destination": "\(upload.destination)", "code": "\(error.code)", "error": "\(error)",
                ])
            commit(.failed(upload.sequence, error, at: now), upload) { engine in
                engine.dispatcher.finished(upload.sequence, .failed, error: error)
                engine.abortOpen(upload)
            }
        case .cancelled:
            commit(.cancelled(upload.sequence, at: now), upload) { engine in
                engine.finish(upload.sequence, upload.id, .cancelled)
                engine.abortOpen(upload)
            }
        case .waiting(let error):
            log.warning(
                "an upload is put off", metadata: ["job": "\(upload.id)", "code": "\(error.code)", "error": "\(error)"])
            journal.submit(.waiting(upload.sequence, error, at: now), completion: nil)
            putOff(upload, because: error)
        case .afresh(let reason):
            log.notice("an upload begins afresh", metadata: ["job": "\(upload.id)", "reason": "\(reason)"])
            commit(.uploadReset(upload.sequence), upload) { engine in
                engine.abortOpen(upload)
                // At once, unless it has been put off before: a store that loses every upload is not to be asked without end.
                engine.putOff(
                    upload, because: ArtifactError(.storeUnavailable, reason), until: upload.delays == 0 ? 0 : nil)
            }
        case .renewed(let fingerprint):
            log.notice("a source has new content, which is uploaded instead", metadata: ["job": "\(upload.id)"])
            commit(.sourceRenewed(upload.sequence, fingerprint: fingerprint, size: fingerprint.size), upload) { engine in
                engine.abortOpen(upload)
                engine.dispatcher.resize(upload, to: fingerprint.size)
                // Whoever writes to it may still be at it.
                engine.putOff(
                    upload, because: ArtifactError(.sourceChanged, "the source has new content, which is uploaded instead"),
                    until: System.monotonicNanoseconds() + 1_000_000_000)
            }
        case .gone: catchUp(upload)
        case .stopping: dispatcher.putBack(upload)
        }
    }

    /// Journals a change and goes on when it is committed; puts the upload off when it cannot be.
    private func commit(_ change: Change, _ upload: Upload, _ then: @escaping @Sendable (UploadEngine) -> Void) {
        journal.submit(change) { [self] outcome in
            switch outcome {
            case .success(true): then(self)
            case .success(false):
                // Only this engine ends an active upload; a job that is final all the same was made so by hand.
                log.error("a job is final and was active", metadata: ["job": "\(upload.id)"])
                dispatcher.finished(upload.sequence, .cancelled)
            case .failure(let error): putOff(upload, because: error)
            }
        }
    }

    /// The journal no longer has the job pending: the dispatcher learns what it is.
    private func catchUp(_ upload: Upload) {
        do throws(ArtifactError) {
            let record = try journal.record(upload.id)
            dispatcher.finished(upload.sequence, record?.state ?? .cancelled, error: record?.error)
        } catch {
            putOff(upload, because: error)
        }
    }

    private func putOff(_ upload: Upload, because error: ArtifactError, until: UInt64? = nil) {
        if !dispatcher.putOff(upload, because: error, until: until) { settle(upload, .cancelled) }
    }

    private func abortOpen(_ upload: Upload) {
        guard let uploadID = upload.openUploadID else { return }
        dispatcher.abort([UploadToAbort(destination: upload.destination, uploadID: uploadID)])
    }

    /// A job is final and its source is needed no longer.
    func finish(_ sequence: Int64, _ id: JobID, _ state: JobState) {
        releasePin(id)
        dispatcher.finished(sequence, state)
    }

    /// Lets go of everything that held a job's bytes.
    func releasePin(_ id: JobID) {
        do throws(SystemError) {
            try spool.removeAll(of: id)
            try pins.release(id)
        } catch {
            log.warning("a pin could not be released", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }
}
