import ArtifactModel
import DequeModule
import Glibc
import Journal
import LinuxSystem
import Logging
import Pipeline
import WorkerPool

/// Makes jobs durable that were asked to be: copies their bytes into the spool, off the hand-over path and on threads of its own.
final class DurableKeeper: Sendable {
    typealias Answer = @Sendable (Result<Void, ArtifactError>) -> Void

    private struct Task: Sendable {
        var id: JobID
        var sequence: Int64
        /// Whether the job waits for it.
        var isNew: Bool
    }

    private struct State {
        var tasks: Deque<Task> = []
        /// Who wants to know, by job; those included that a thread is at.
        var answers: [JobID: [Answer]] = [:]
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
    /// A new job that cannot be made durable is cancelled: whoever asked for DURABLE must not find half a promise kept. One that
    /// was accepted before, with less promised, goes on.
    func keep(_ id: JobID, sequence: Int64, isNew: Bool, answer: @escaping Answer) {
        let isRefused = monitor.withLock { state in
            if state.isStopping { return true }
            // A job is copied once, whoever asks for it meanwhile.
            if state.answers[id] == nil { state.tasks.append(Task(id: id, sequence: sequence, isNew: isNew)) }
            state.answers[id, default: []].append(answer)
            return false
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
                answer(task, .success(()))
            } catch {
                log.warning("a job could not be made durable", metadata: ["job": "\(task.id)", "error": "\(error)"])
                if task.isNew { giveUp(task, error) } else { answer(task, .failure(error)) }
            }
        }
    }

    private func answer(_ task: Task, _ outcome: Result<Void, ArtifactError>) {
        for answer in monitor.withLock({ $0.answers.removeValue(forKey: task.id) ?? [] }) { answer(outcome) }
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
            return Array(state.tasks)
        }
        monitor.broadcast()
        for task in left { answer(task, .failure(Self.stopping)) }
    }

    private func makeDurable(_ task: Task) throws(ArtifactError) {
        guard let pending = try journal.pendingJob(task.sequence) else { return try checkStored(task) }
        if pending.job.pin.isDurable { return }
        guard let fingerprint = pending.job.fingerprint else {
            throw ArtifactError(.internalFault, "job \(task.id) has a file and no fingerprint")
        }
        guard spool.reserve(fingerprint.size) else {
            throw spool.refusal(of: fingerprint.size, for: "a copy of this file")
        }
        let name = Spool.ownName(of: task.id)
        let copy: SourceFingerprint
        do throws(ArtifactError) { (_, copy) = try spool.copy(try open(pending.job), fingerprint, as: name) } catch {
            spool.release(fingerprint.size)
            throw error
        }
        // From here on the copy, and its part of the quota, goes with whatever else holds the job's bytes.
        guard try journal.apply(.pinned(task.sequence, .spool, spoolName: name, fingerprint: copy, level: .durable)) else {
            // The job ended while it was copied.
            letGo(task) { () throws(SystemError) in try spool.removeAll(of: task.id) }
            return try checkStored(task)
        }
        letGo(task) { () throws(SystemError) in try spool.remove(Spool.linkName(of: task.id)) }
    }

    /// Releases what held the bytes besides, or until now.
    private func letGo(_ task: Task, _ files: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try files()
            try pins.release(task.id)
        } catch {
            log.warning("a pin could not be released", metadata: ["job": "\(task.id)", "error": "\(error)"])
        }
    }

    /// A job that is stored needs no copy any more; of one that has ended in another way nothing is promised.
    private func checkStored(_ task: Task) throws(ArtifactError) {
        let record = try journal.record(task.id)
        guard record?.state == .stored else { throw record?.error ?? .jobCancelled }
    }

    private func open(_ job: NewJob) throws(ArtifactError) -> SharedDescriptor {
        if let descriptor = pins.descriptor(of: job.id) { return descriptor }
        do throws(SystemError) {
            if let name = job.spoolName { return try spool.open(name) }
        } catch {
            throw ArtifactError(.sourceUnreadable, "the spool file of job \(job.id) cannot be opened", cause: "\(error)")
        }
        return try SourceCheck.reopen(job)
    }

    private func giveUp(_ task: Task, _ error: ArtifactError) {
        journal.submit(.cancelled(task.sequence, at: System.wallMilliseconds())) { [self] outcome in
            defer { answer(task, .failure(error)) }
            guard case .success(true) = outcome else { return dispatcher.release(task.sequence, .copying) }
            letGo(task) { () throws(SystemError) in try spool.removeAll(of: task.id) }
            dispatcher.finished(task.sequence, .cancelled, error: error)
        }
    }
}
