import ArtifactModel
import Journal
import LinuxSystem
import Logging
import ObjectStore
import Pipeline
import Synchronization
import WorkerPool

/// What the upload workers do: each is one thread with a connection of its own to each store, and one piece of work at a time.
final class UploadEngine: Sendable {
    /// A source that changes before each of so many attempts will not hold still for the next one either.
    private static let maximumRenewals = 20

    let configuration: Configuration
    let sizing: UploadSizing
    let stores: Stores
    let journal: Journal
    let spool: Spool
    let pins: PinTable
    let dispatcher: Dispatcher
    let log: Logger
    private let idleWorkers = Mutex<[Worker]>([])

    init(
        configuration: Configuration, stores: Stores, journal: Journal, spool: Spool, pins: PinTable, dispatcher: Dispatcher,
        log: Logger
    ) {
        self.configuration = configuration
        sizing = UploadSizing(configuration)
        self.stores = stores
        self.journal = journal
        self.spool = spool
        self.pins = pins
        self.dispatcher = dispatcher
        self.log = log
    }

    /// One worker's life: takes work until there is none any more.
    func run() {
        while let work = dispatcher.next() {
            let worker = idleWorkers.withLock { $0.popLast() } ?? Worker(stores: stores)
            defer { idleWorkers.withLock { $0.append(worker) } }
            switch work {
            case .begin(let upload, let reserved):
                perform(upload, worker, reserved: reserved) { () throws(ArtifactError) in try begin(upload, worker) }
            case .chunk(let upload, let chunk, let reserved):
                perform(upload, worker, reserved: reserved) { () throws(ArtifactError) in try process(chunk, of: upload, worker) }
            case .settle(let upload):
                perform(upload, worker, reserved: 0) { nil }
            case .abort(let upload):
                abort(upload, worker)
                dispatcher.done(reserved: 0, bytes: nil)
            }
        }
    }

    /// What a piece of work is done with: connections that are kept alive, and codecs. Belongs to one thread at a time.
    ///
    /// Whoever was idle last is taken first. Bound to the threads, of which any may be woken, each would hold memory of its own
    /// after a while, and most connections would be stale.
    final class Worker: @unchecked Sendable {
        /// Asked by the worker's own thread in the midst of a transfer.
        final class Watched: Sendable {
            let upload = Mutex<Upload?>(nil)
        }

        private let stores: Stores
        /// The upload that it works on: when that ends, what is being sent for it need not be.
        let watched = Watched()
        private var sessions: [Int: any ObjectStoreSession] = [:]
        private var compressors: [ContentEncoding: Compressor] = [:]
        /// The bytes that the piece of work at hand has sent.
        var sent: UInt64 = 0

        init(stores: Stores) { self.stores = stores }

        func session(_ store: Int) -> any ObjectStoreSession {
            if let session = sessions[store] { return session }
            let session = stores.all[store].makeSession { [watched] in watched.upload.withLock { $0?.isInVain ?? false } }
            sessions[store] = session
            return session
        }

        func compressor(_ encoding: ContentEncoding) throws(ArtifactError) -> Compressor {
            if let compressor = compressors[encoding] { return compressor }
            let compressor = try Compressor(encoding: encoding)
            compressors[encoding] = compressor
            return compressor
        }
    }

    /// Does a piece of work, tells the dispatcher how the store fared, and settles the upload if this worker is the last to leave.
    private func perform(_ upload: Upload, _ worker: Worker, reserved: Int, _ work: () throws(ArtifactError) -> UInt64?) {
        worker.watched.upload.withLock { $0 = upload }
        defer { worker.watched.upload.withLock { $0 = nil } }
        var sent: UInt64?
        do throws(ArtifactError) {
            sent = try work()
            if sent != nil { dispatcher.storeAnswered(upload.store) } else { dispatcher.storeWasNotAsked(upload.store) }
        } catch {
            report(error, of: upload)
            // Once an attempt: what other parts end with when it has failed, or is to end, says nothing more.
            if !upload.isEnding { dispatcher.errors.count(error.code) }
            upload.end(ending(for: error, of: upload))
        }
        let ending = upload.leave()
        let window = ending == nil ? 0 : upload.heldWindow
        dispatcher.releaseWindow(window)
        dispatcher.done(reserved: reserved, bytes: sent)
        if let ending { settle(upload, ending) }
    }

    private func report(_ error: ArtifactError, of upload: Upload) {
        switch error.code {
        case .storeUnavailable, .storeThrottled: dispatcher.storeFailed(upload.store, error)
        case .storeDenied, .noSuchBucket, .storeNotTrusted: dispatcher.storeRefused(upload.store, error)
        case .sourceChanged, .sourceLost, .sourceUnreadable, .localStorageFailed, .cancelled, .shuttingDown:
            dispatcher.storeWasNotAsked(upload.store)
        default: dispatcher.storeAnswered(upload.store)
        }
    }

    /// What an error means for the job.
    private func ending(for error: ArtifactError, of upload: Upload) -> Upload.Ending {
        switch error.code {
        case .noSuchUpload: .afresh(error.message)
        case .shuttingDown: .stopping
        case .sourceChanged: ending(ofChanged: upload, error)
        // The store keeps getting other bytes than were sent, or keeps answering with another checksum: somebody must look.
        case .checksumMismatch: upload.delays < 5 ? .waiting(error) : .failed(error)
        default: error.code.isTransient ? .waiting(error) : .failed(error)
        }
    }

    /// What becomes of a job whose source changed, however that was noticed: its policy decides.
    private func ending(ofChanged upload: Upload, _ error: ArtifactError) -> Upload.Ending {
        do throws(ArtifactError) {
            guard let pending = try journal.pendingJob(upload.sequence), pending.job.changePolicy == .restart,
                pending.attempts < Self.maximumRenewals, case .file(let descriptor, _) = try openSource(pending)
            else { return .failed(error) }
            let status = try kernelCalls(orThrow: .sourceUnreadable, "the source cannot be asked for its status") {
                () throws(SystemError) in try System.status(of: descriptor.number)
            }
            return .renewed(SourceFingerprint(status))
        } catch {
            return error.code.isTransient ? .waiting(error) : .failed(error)
        }
    }

    private func abort(_ upload: UploadToAbort, _ worker: Worker) {
        do throws(ArtifactError) {
            let target = try stores.resolve(upload.destination)
            try worker.session(target.store).abortUpload(key: target.key, uploadID: upload.uploadID)
            // An attempt that failed may have been told, and perhaps nobody asks the store again for long.
            dispatcher.storeAnsweredAside(target.store, isWriting: true)
            _ = try journal.apply(.uploadAborted(uploadID: upload.uploadID))
            log.debug("a multipart upload was aborted", metadata: ["destination": "\(upload.destination)"])
        } catch {
            log.info(
                "a multipart upload could not be aborted and is tried again",
                metadata: ["destination": "\(upload.destination)", "error": "\(error)"])
            dispatcher.abortLater(upload)
        }
    }
}
