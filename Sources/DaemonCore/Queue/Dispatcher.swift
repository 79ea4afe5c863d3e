import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import Logging
import ObjectStore
import Pipeline
import WorkerPool

/// Decides what each worker does next, and keeps the account of all jobs that are not final.
///
/// Everything here is short and under one lock; what blocks is done by the workers outside of it.
final class Dispatcher: Sendable {
    /// What a worker is to do.
    enum Work: Sendable {
        /// Begin an upload; for a small object, all of it. So many bytes are reserved for it.
        case begin(Upload, reserved: Int)
        /// Read, encode and perhaps send a piece of an upload.
        case chunk(Upload, UploadPlan.Chunk, reserved: Int)
        /// Settle an upload that was ended while no worker was on it.
        case settle(Upload)
        /// Abort a multipart upload that nobody will complete.
        case abort(UploadToAbort)
    }

    struct State {
        var queue = JobQueue()
        var active: [Upload] = []
        /// Uploads that have stored their object and wait for the journal: their workers are free for others.
        var settling: Set<Int64> = []
        /// Where the turn among the active uploads is.
        var turn = 0
        /// Whether the next worker looks at new jobs first: large uploads and small ones take turns.
        var prefersNew = true
        var aborts: [Abort] = []
        var waiters = Waiters()
        var counters: JobCounters
        var health: [StoreHealth]
        var concurrency: ConcurrencyLimit
        var busyWorkers = 0
        var windows = 0
        /// The job for which memory is being let free: nobody else gets any meanwhile. Uploads that hold a window go on in it.
        var thirsty: Int64?
        /// Jobs and bytes that are being journalled and are not in the queue yet.
        var reserved = StateCounters.Count()
        var meter = ThroughputMeter()
        var bytesRead: UInt64 = 0
        var bytesSent: UInt64 = 0
        var bytesAccepted: UInt64 = 0
        /// From a hand-over's arrival to the journal's commit: 100 µs to 10 s. Most take what an fsync takes.
        var handOvers = Histogram(
            bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
        /// From a part's request to the store's answer: 5 ms to 10 min.
        var parts = Histogram(bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600])
        /// `isOver`: something was stored since.
        var lastFailure: (error: ArtifactError, since: Int64, job: JobID?, isOver: Bool)?
        var isStopping = false
        /// Whether memory was given back since the queue drained.
        var isTrimmed = true
    }

    /// An upload to abort, and when it may be tried.
    struct Abort {
        var upload: UploadToAbort
        var notBefore: UInt64
    }

    let log: Logger
    let buffers: BufferPool
    let configuration: Configuration
    let stores: Stores
    let sizing: UploadSizing
    let monitor: Monitor<State>
    private let backoff: Backoff

    /// Rung when a job ends that a manifest may be waiting for.
    let bell = RegistryBell()
    /// Requests that were sent again.
    let retries: RetryCounter
    /// What attempts at uploads and at the registry's documents failed with, and what requests were answered with.
    let errors = ErrorCounter()

    init(
        configuration: Configuration, stores: Stores, counters: JobCounters, cores: Int, retries: RetryCounter, log: Logger,
        backoff: Backoff = Backoff(base: 1_000_000_000, cap: 60_000_000_000)
    ) {
        self.configuration = configuration
        self.backoff = backoff
        self.retries = retries
        self.stores = stores
        self.log = log
        sizing = UploadSizing(configuration)
        buffers = BufferPool(limit: configuration.buffers)
        let state = State(
            counters: counters, health: stores.all.map { _ in StoreHealth() },
            concurrency: ConcurrencyLimit(initial: max(2, cores), maximum: configuration.workers))
        monitor = Monitor(state)
    }

    // MARK: Room

    /// Makes room in the queue for a hand-over that is about to be journalled.
    /// - Throws: `busy` when there is none, `shuttingDown` when the daemon is stopping.
    func reserve(bytes: UInt64) throws(ArtifactError) {
        try monitor.withLock { state throws(ArtifactError) in
            if state.isStopping {
                throw ArtifactError(
                    .shuttingDown, "the daemon is stopping; try again when it is back",
                    retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
            }
            let jobs = UInt64(state.queue.count) + state.reserved.jobs
            guard jobs < UInt64(configuration.queueJobs) else {
                throw ArtifactError(
                    .busy, "the queue is full (\(jobs) jobs wait); try again when some are done",
                    retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
            }
            let pending = state.counters[.accepted].bytes + state.counters[.uploading].bytes + state.reserved.bytes
            if configuration.queueBytes > 0, pending + bytes > configuration.queueBytes, jobs > 0 {
                throw ArtifactError(
                    .busy, "the queue is full (\(pending) bytes wait); try again when some are done",
                    retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
            }
            state.reserved.jobs += 1
            state.reserved.bytes += bytes
        }
    }

    /// Gives the room back: no job came of it.
    func cancelReservation(bytes: UInt64) {
        monitor.withLock { state in
            state.reserved.jobs -= 1
            state.reserved.bytes -= bytes
        }
    }

    // MARK: Jobs come and go

    /// Takes a job in that has just been journalled, in the order of the journal. Wakes no worker: `wake` does, once the client
    /// has its answer, which is not to compete with the upload for a core.
    /// - Parameter arrivedAt: when its request came, in monotonic nanoseconds.
    func accepted(_ job: NewJob, sequence: Int64, experiment: String? = nil, holds: JobQueue.Holds, arrivedAt: UInt64) {
        let seconds = Double(System.monotonicNanoseconds() - arrivedAt) / 1e9
        monitor.withLock { state in
            state.reserved.jobs -= 1
            state.reserved.bytes -= job.size
            state.counters.add(.accepted, bytes: job.size, of: job.tenant)
            state.bytesAccepted += job.size
            state.handOvers.add(seconds)
            state.queue.insert(Self.entry(job, sequence, experiment, holds))
        }
    }

    /// Has a worker look for work.
    func wake() { monitor.signal() }

    /// Takes a job in that the journal holds from an earlier run, or that was retried; it is counted already.
    func resume(_ job: PendingJob) {
        let holds: JobQueue.Holds = job.isProvisional ? .unplaced : []
        monitor.withLock { $0.queue.insert(Self.entry(job.job, job.sequence, job.experimentID, holds)) }
        monitor.signal()
        if job.isProvisional { bell.ring() }
    }

    private static func entry(
        _ job: NewJob, _ sequence: Int64, _ experiment: String?, _ holds: JobQueue.Holds
    ) -> JobQueue.Entry {
        JobQueue.Entry(
            sequence: sequence, id: job.id, tenant: job.tenant, destination: job.destination, size: job.size,
            level: job.pin.isDurable ? .durable : .accepted, acceptedAt: job.acceptedAt, experiment: experiment, holds: holds)
    }

    /// The daemon owns a job's bytes from now on; it can run if that was what it was waiting for.
    func becameDurable(_ sequence: Int64) {
        let done = monitor.withLock { state in
            state.queue.update(sequence) { $0.level = .durable }
            state.queue.release(sequence, .copying)
            return state.waiters.reached(sequence, .durable)
        }
        monitor.signal()
        for answer in done { answer() }
    }

    /// Takes one reason away why a job is held.
    func release(_ sequence: Int64, _ hold: JobQueue.Holds) {
        monitor.withLock { $0.queue.release(sequence, hold) }
        monitor.signal()
    }

    /// Lets jobs run whose experiment has its place now.
    func place(_ jobs: [ResolvedJob]) {
        monitor.withLock { state in
            for job in jobs { state.queue.place(job.sequence, at: job.destination) }
        }
        monitor.broadcast()
    }

    /// Takes down why jobs wait for the places of their experiments.
    /// - Parameter errors: what is wrong, by the experiment's id.
    /// - Returns: those jobs, as far as they wait for nothing else, and what is wrong.
    func explainUnplaced(_ errors: [String: ArtifactError]) -> [(sequence: Int64, error: ArtifactError)] {
        let now = System.wallMilliseconds()
        return monitor.withLock { state in
            var waiting: [(sequence: Int64, error: ArtifactError)] = []
            for entry in state.queue.entries.values where entry.holds == .unplaced {
                guard let experiment = entry.experiment, let error = errors[experiment] else { continue }
                state.queue.update(entry.sequence) { $0.lastError = error }
                state.note(error, job: entry.id, now: now)
                waiting.append((entry.sequence, error))
            }
            return waiting
        }
    }

    /// An upload is done but for the journal, which takes as long for one as for many: the next need not wait for it.
    func settling(_ upload: Upload) {
        monitor.withLock { state in
            if state.drop(upload.sequence) { state.settling.insert(upload.sequence) }
        }
        monitor.signal()
    }

    /// A job has become final, and the journal knows. Wakes who waits for it, and lets the next of its destination run.
    func finished(_ sequence: Int64, _ final: JobState, error: ArtifactError? = nil) {
        let now = System.wallMilliseconds()
        let done = monitor.withLock { state in
            let wasUploading = state.drop(sequence)
            if let entry = state.queue.remove(sequence) {
                state.counters.move(from: wasUploading ? .uploading : .accepted, to: final, bytes: entry.size, of: entry.tenant)
                if let error { state.note(error, job: entry.id, now: now) }
            }
            if final == .stored { state.lastFailure?.isOver = true }
            state.isTrimmed = false
            let failure = final == .stored ? nil : error ?? .jobCancelled
            return state.waiters.finished(sequence, failure: failure)
        }
        monitor.signal()
        for answer in done { answer() }
        bell.jobEnded()
    }

    /// Gives memory back to the system when the queue has drained. Not done with every job: it costs more than a small job does.
    func trimWhenIdle() {
        let isDue = monitor.withLock { state in
            guard state.queue.isEmpty, !state.isTrimmed else { return false }
            state.isTrimmed = true
            return true
        }
        guard isDue else { return }
        buffers.trim()
        System.trimHeap()
    }

    /// Puts an upload off that has been settled without becoming final.
    /// - Parameter until: monotonic nanoseconds; nil to reckon it from how often it was put off.
    /// - Returns: false where it was to be cancelled when its end was decided already: it is to be settled as that instead.
    func putOff(_ upload: Upload, because error: ArtifactError, until: UInt64? = nil) -> Bool {
        let now = System.monotonicNanoseconds()
        let wallClock = System.wallMilliseconds()
        var generator = SystemRandomNumberGenerator()
        let wait = backoff.delay(
            afterFailures: upload.delays + 1, atLeast: (error.retryAfterMilliseconds ?? 0) * 1_000_000, using: &generator)
        let isPutOff = monitor.withLock { state in
            if upload.takeCancellation() { return false }
            state.deactivate(upload)
            state.queue.park(upload.sequence, until: until ?? (now + wait), because: error)
            state.note(error, job: upload.id, now: wallClock)
            return true
        }
        monitor.signal()
        return isPutOff
    }

    /// Lets an upload begin again at once.
    func putBack(_ upload: Upload) {
        monitor.withLock { state in
            state.deactivate(upload)
            state.queue.putBack(upload.sequence)
        }
        monitor.signal()
    }

    /// The size that a job has from now on, its source being new.
    func resize(_ upload: Upload, to size: UInt64) {
        monitor.withLock { state in
            state.queue.update(upload.sequence) { $0.size = size }
            state.counters.resize(.uploading, from: upload.size, to: size, of: upload.tenant)
        }
    }

    /// How many jobs stand as failed.
    var failedJobs: UInt64 { monitor.withLock { $0.counters[.failed].jobs } }

    /// A failed job was cancelled.
    func forgetFailed(_ record: JobRecord) {
        monitor.withLock { $0.counters.move(from: .failed, to: .cancelled, bytes: record.size, of: record.tenant) }
    }

    /// A failed job is pending again.
    func retried(_ job: PendingJob) {
        monitor.withLock { $0.counters.move(from: .failed, to: .accepted, bytes: job.job.size, of: job.job.tenant) }
        resume(job)
    }

    /// Adds uploads that are to be aborted.
    func abort(_ uploads: [UploadToAbort]) {
        guard !uploads.isEmpty else { return }
        monitor.withLock { state in
            state.aborts += uploads.map { Abort(upload: $0, notBefore: 0) }
        }
        monitor.signal()
    }

    /// An upload could not be aborted now.
    func abortLater(_ upload: UploadToAbort) {
        let now = System.monotonicNanoseconds()
        monitor.withLock { state in
            state.aborts.append(Abort(upload: upload, notBefore: now + 30_000_000_000))
        }
    }

    /// A job that the journal holds from an earlier run has failed at the start.
    func countLost(_ job: NewJob, _ error: ArtifactError) {
        let now = System.wallMilliseconds()
        monitor.withLock { state in
            state.counters.move(from: .accepted, to: .failed, bytes: job.size, of: job.tenant)
            state.note(error, job: job.id, now: now)
        }
    }

    /// Takes the journal's count of ended jobs, some of which were forgotten.
    func recount(_ counts: [JobCount]) { monitor.withLock { $0.counters.recount(counts) } }

    // MARK: The store's health

    /// - Throws: why a store does not answer, where it is known that it does not: to ask again would only take time.
    func requireHealth(of store: Int) throws(ArtifactError) {
        let now = System.monotonicNanoseconds()
        let trouble = monitor.withLock { state in
            state.health[store].blocked(now: now).flatMap { _ in state.health[store].trouble?.error }
        }
        if let trouble { throw trouble }
    }

    /// A store has answered an upload: with what was asked for, or with a refusal that concerns one job.
    func storeAnswered(_ store: Int) { heal(store) { $0.succeeded() } }

    /// A store has answered somebody else.
    /// - Parameter isWriting: whether it has taken something in.
    func storeAnsweredAside(_ store: Int, isWriting: Bool) {
        let now = System.monotonicNanoseconds()
        heal(store) { $0.succeededAside(isWriting: isWriting, now: now) }
    }

    /// Takes down what is good news of a store, and wakes who has waited for it.
    private func heal(_ store: Int, _ news: (inout StoreHealth) -> Void) {
        let (wasDown, isBack) = monitor.withLock { state in
            guard state.health[store].trouble != nil else { return (false, false) }
            let wasDown = state.health[store].isDown
            news(&state.health[store])
            let isBack = state.health[store].trouble == nil
            if isBack { state.lastFailure?.isOver = true }
            return (wasDown, isBack)
        }
        guard wasDown else { return }
        monitor.signal()
        // The registrar may have gone to rest for long, and jobs may wait for the places that it finds out.
        if isBack { bell.ring() }
    }

    /// A store has refused to take something in, for a reason that concerns everybody.
    func storeRefused(_ store: Int, _ error: ArtifactError) {
        let now = System.wallMilliseconds()
        let wasDown = monitor.withLock { state in
            defer { state.health[store].refused(error, wallClock: now) }
            return state.health[store].isDown
        }
        if wasDown { monitor.signal() }
    }

    /// A worker has ended without having asked the store.
    func storeWasNotAsked(_ store: Int) {
        monitor.withLock { $0.health[store].withdrew() }
    }

    /// A request to a store is sent again.
    func storeStumbled(_ location: StoreLocation, _ error: ArtifactError) {
        guard error.code == .storeUnavailable || error.code == .storeThrottled,
            let store = stores.all.firstIndex(where: { $0.location == location })
        else { return }
        let now = System.wallMilliseconds()
        monitor.withLock { $0.health[store].stumbled(error, wallClock: now) }
    }

    /// An upload could not reach a store, or found it overloaded.
    func storeFailed(_ store: Int, _ error: ArtifactError) {
        hurt(store, error) { health, now, wallClock, delay in
            health.failed(error, now: now, wallClock: wallClock, delay: delay)
        }
    }

    /// Somebody else could not reach a store, or found it overloaded.
    /// - Parameters:
    ///   - isWriting: whether it was to take something in.
    ///   - start: when it was asked, in monotonic nanoseconds.
    func storeFailedAside(_ store: Int, _ error: ArtifactError, isWriting: Bool, since start: UInt64) {
        hurt(store, error) { health, now, wallClock, delay in
            health.failedAside(error, isWriting: isWriting, since: start, now: now, wallClock: wallClock, delay: delay)
        }
    }

    /// Takes down what is bad news of a store.
    private func hurt(
        _ store: Int, _ error: ArtifactError,
        _ news: (inout StoreHealth, _ now: UInt64, _ wallClock: Int64, _ delay: (Int) -> UInt64) -> Void
    ) {
        let now = System.monotonicNanoseconds()
        let wallClock = System.wallMilliseconds()
        monitor.withLock { state in
            if error.code == .storeThrottled { state.concurrency.throttled(now: now) }
            news(&state.health[store], now, wallClock) { [backoff] failures in
                var generator = SystemRandomNumberGenerator()
                return backoff.delay(
                    afterFailures: failures + 1, atLeast: (error.retryAfterMilliseconds ?? 0) * 1_000_000, using: &generator)
            }
            state.note(error, job: nil, now: wallClock)
        }
    }

    /// Bytes of a source have reached the store as `sent` bytes, in one request.
    /// - Parameter begunAt: when it was begun, in monotonic nanoseconds.
    func count(read: UInt64, sent: UInt64, begunAt: UInt64) {
        let now = System.monotonicNanoseconds()
        let seconds = Double(now - begunAt) / 1e9
        monitor.withLock { state in
            state.bytesRead += read
            state.bytesSent += sent
            state.meter.add(read, now: now)
            state.parts.add(seconds)
        }
    }

    // MARK: Stop

    /// Gives no more work. Workers finish what they have; uploads end where they are.
    func stop() {
        monitor.withLock { state in
            state.isStopping = true
            for upload in state.active { upload.end(.stopping) }
        }
        monitor.broadcast()
    }

    /// Waits until no worker is busy, or the deadline (monotonic nanoseconds) has passed.
    /// - Returns: whether none is.
    func waitUntilIdle(deadline: UInt64) -> Bool {
        monitor.waitTimed { (state) -> Turn<Bool> in
            if state.busyWorkers == 0 { return .done(true) }
            return System.monotonicNanoseconds() >= deadline ? .done(false) : .wait(until: deadline)
        }
    }

    // MARK: Account

    /// What the status report needs, read at one moment.
    func snapshot<Result: Sendable>(_ read: (State) -> Result) -> Result { monitor.withLock { read($0) } }

    /// How far an upload has come; nil when the job is not active.
    func progress(of id: JobID) -> UInt64? {
        monitor.withLock { state in state.active.first { $0.id == id }?.bytesDone }
    }

    /// Why a pending job waits; nil when nothing went wrong.
    func trouble(of id: JobID) -> ArtifactError? {
        monitor.withLock { $0.queue.entry(id)?.lastError }
    }
}

extension Dispatcher.State {
    /// Forgets an upload.
    /// - Returns: whether there was one.
    mutating func drop(_ sequence: Int64) -> Bool {
        if settling.remove(sequence) != nil { return true }
        guard let index = active.firstIndex(where: { $0.sequence == sequence }) else { return false }
        active.remove(at: index)
        return true
    }

    mutating func deactivate(_ upload: Upload) {
        guard drop(upload.sequence) else { return }
        if let entry = queue.entries[upload.sequence] {
            counters.move(from: .uploading, to: .accepted, bytes: entry.size, of: entry.tenant)
        }
    }

    mutating func note(_ error: ArtifactError, job: JobID?, now: Int64) {
        let earlier = lastFailure.flatMap { $0.error.code == error.code && !$0.isOver ? $0.since : nil }
        lastFailure = (error, earlier ?? now, job, false)
    }
}
