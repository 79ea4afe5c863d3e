import ArtifactModel
import Glibc
import Journal
import LinuxSystem
import Logging
import Pipeline
import WorkerPool

/// Makes jobs durable that were asked to be: copies their bytes into the spool, off the hand-over path and on threads of its own.
final class DurableKeeper: Sendable {
    private struct Task: Sendable {
        var id: JobID
        var sequence: Int64
        var answer: @Sendable (Result<Void, ArtifactError>) -> Void
    }

    private struct State {
        var tasks: [Task] = []
        var isStopping = false
    }

    private let journal: Journal
    private let spool: Spool
    private let pins: PinTable
    private let dispatcher: Dispatcher
    private let log: Logger
    private let monitor = Monitor(State())

    init(journal: Journal, spool: Spool, pins: PinTable, dispatcher: Dispatcher, log: Logger) {
        self.journal = journal
        self.spool = spool
        self.pins = pins
        self.dispatcher = dispatcher
        self.log = log
    }

    /// Copies a job's bytes into the spool; then lets the job run, and answers.
    ///
    /// A job that cannot be made durable is cancelled: whoever asked for DURABLE must not find half a promise kept.
    func keep(_ id: JobID, sequence: Int64, answer: @escaping @Sendable (Result<Void, ArtifactError>) -> Void) {
        let isRefused = monitor.withLock { state in
            if !state.isStopping { state.tasks.append(Task(id: id, sequence: sequence, answer: answer)) }
            return state.isStopping
        }
        if isRefused { return answer(.failure(Self.stopping)) }
        monitor.signal()
    }

    private static let stopping = ArtifactError(.shuttingDown, "the daemon is stopping; the job is accepted and not durable yet")

    /// One thread's life.
    func run() {
        while let task = next() {
            do throws(ArtifactError) {
                try makeDurable(task)
                dispatcher.becameDurable(task.sequence)
                task.answer(.success(()))
            } catch {
                giveUp(task, error)
                task.answer(.failure(error))
            }
        }
    }

    private func next() -> Task? {
        monitor.wait { (state) -> Task?? in
            if state.isStopping { return .some(nil) }
            if state.tasks.isEmpty { return .none }
            return .some(state.tasks.removeFirst())
        }
    }

    /// Ends the threads; what is still to be copied stays accepted.
    func stop() {
        let left = monitor.withLock { state in
            state.isStopping = true
            return state.tasks
        }
        monitor.broadcast()
        for task in left { task.answer(.failure(Self.stopping)) }
    }

    private func makeDurable(_ task: Task) throws(ArtifactError) {
        guard let pending = try journal.pendingJob(task.sequence) else { return }
        if pending.job.pin.isDurable { return }
        guard let fingerprint = pending.job.fingerprint else {
            throw ArtifactError(.internalFault, "job \(task.id) has a file and no fingerprint")
        }
        guard spool.reserve(fingerprint.size) else {
            throw ArtifactError(
                .busy,
                "the spool's quota of \(spool.quota) bytes does not hold a copy of this file; try again when some jobs are done",
                retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
        }
        do throws(ArtifactError) {
            let source = try open(pending.job)
            let name = Spool.ownName(of: task.id)
            let (_, copy) = try spool.copy(source, fingerprint, as: name)
            _ = try journal.apply(.pinned(task.sequence, .spool, spoolName: name, fingerprint: copy, level: .durable))
        } catch {
            spool.release(fingerprint.size)
            throw error
        }
        do throws(SystemError) {
            try spool.remove(Spool.linkName(of: task.id))
            try pins.release(task.id)
        } catch {
            log.warning("a pin could not be released", metadata: ["job": "\(task.id)", "error": "\(error)"])
        }
    }

    private func open(_ job: NewJob) throws(ArtifactError) -> SharedDescriptor {
        if let descriptor = pins.descriptor(of: job.id) { return descriptor }
        do throws(SystemError) {
            if let name = job.spoolName { return try spool.open(name) }
        } catch {
            throw ArtifactError(.sourceUnreadable, "the spool file of job \(job.id) cannot be opened", cause: "\(error)")
        }
        if let path = job.path, let fingerprint = job.fingerprint, let file = SourceCheck.reopen(path, as: fingerprint) {
            return file
        }
        throw UploadEngine.lost(job)
    }

    private func giveUp(_ task: Task, _ error: ArtifactError) {
        log.warning("a job could not be made durable", metadata: ["job": "\(task.id)", "error": "\(error)"])
        journal.submit(.cancelled(task.sequence, at: System.wallMilliseconds())) { [self] outcome in
            guard case .success(true) = outcome else { return dispatcher.release(task.sequence) }
            do throws(SystemError) {
                try spool.removeAll(of: task.id)
                try pins.release(task.id)
            } catch {
                log.warning("a pin could not be released", metadata: ["job": "\(task.id)", "error": "\(error)"])
            }
            dispatcher.finished(task.sequence, .cancelled, error: error)
        }
    }
}
