import ArtifactModel
import Journal
import LinuxSystem
import Logging
import ObjectStore
import WorkerPool

/// Brings what the journal knows of experiments, runs and their manifests into the store, on one thread of its own.
///
/// The journal says what is to be done, so nothing is lost by a restart. What the store refuses or does not answer is tried again
/// with growing pauses; each subject by itself, so that one which fails keeps no other.
final class Registrar: Sendable {
    private static let page = 1000
    /// So many calls that a store does not answer end a pass for it: the others would wait as long, and in vain.
    private static let patience = 3
    private static let second: UInt64 = 1_000_000_000

    let journal: Journal
    let stores: Stores
    let log: Logger
    let bell: RegistryBell
    let waiters: CommitWaiters
    private let dispatcher: Dispatcher
    private let backoff: Backoff

    init(
        journal: Journal, stores: Stores, dispatcher: Dispatcher, log: Logger,
        backoff: Backoff = Backoff(base: second, cap: 60 * second)
    ) {
        self.journal = journal
        self.stores = stores
        self.dispatcher = dispatcher
        self.log = log
        self.backoff = backoff
        bell = dispatcher.bell
        waiters = CommitWaiters(journal: journal)
    }

    /// What the thread knows from one pass to the next.
    struct Memory {
        let sessions: StoreSessions
        /// What the pass finds out.
        var findings = RegistryFindings()
        /// The calls of this pass that each store did not answer.
        var unanswered: [Int: (count: Int, error: ArtifactError)] = [:]
        /// What the pass before found out.
        var earlier = RegistryFindings()
        /// When to look again for a group's members on other nodes, in monotonic nanoseconds.
        var looks: [CommitSubject: UInt64] = [:]
    }

    // MARK: The thread

    /// The thread's life.
    func run() {
        var memory = Memory(sessions: StoreSessions(stores))
        var earliest: UInt64 = 0
        var retryAt: UInt64?
        var failures = 0
        while bell.wait(earliest: earliest, deadline: retryAt) {
            let began = System.monotonicNanoseconds()
            let number = waiters.lastNumber
            pass(&memory)
            waiters.settle(memory.findings, upTo: number)
            log.trace("a pass of the registrar is over")
            let ended = System.monotonicNanoseconds()
            // At most a tenth of a core, however fast jobs end that somebody waits for. What took longer than a moment has waited
            // for a store, which costs nothing, and must not keep what comes after it.
            earliest = ended + min(9 * (ended - began), Self.second)
            retryAt = memory.looks.values.min()
            failures = memory.findings.errors.isEmpty ? 0 : failures + 1
            if failures > 0 {
                var generator = SystemRandomNumberGenerator()
                let pause = ended + backoff.delay(afterFailures: failures, using: &generator)
                retryAt = min(pause, retryAt ?? .max)
                // New work rings; what is in trouble must not be asked for without end.
                earliest = max(earliest, min(pause, ended + Self.second))
            }
        }
        waiters.stop()
    }

    private func pass(_ memory: inout Memory) {
        memory.earlier = memory.findings
        memory.findings = RegistryFindings()
        memory.unanswered = [:]
        do throws(ArtifactError) {
            let own = RegistryStore(session: memory.sessions[0])
            for experiment in try journal.experimentsToConfirm() {
                attempt(.experiment(experiment.id), &memory) { _ throws(ArtifactError) in try confirm(experiment, own) }
            }
            explainUnplaced(memory.findings)
            for experiment in try journal.statesToWrite() {
                attempt(.experiment(experiment.id), &memory) { _ throws(ArtifactError) in
                    try own.write(ExperimentStateDocument(experiment), at: try RegistryStore.stateKey(experiment.id))
                    try journal.stateWritten(experiment)
                }
            }
            for run in try journal.runsToWrite(limit: Self.page) {
                attempt(.run(run.id), &memory) { _ throws(ArtifactError) in try write(run, own) }
            }
            let commits = try journal.openCommits()
            // Before they are counted: a job that ends from here on rings.
            bell.awaitJobs(!commits.isEmpty)
            advance(commits, &memory)
        } catch {
            log.error("the registry's work cannot be read", metadata: ["error": "\(error)"])
            memory.findings.errors[.journal] = error
        }
    }

    /// Does something about a subject, and takes down why it did not succeed.
    /// - Parameter place: a URI within the store that it is done in; nil for the daemon's own.
    func attempt(
        _ subject: RegistryFindings.Subject, at place: String? = nil, _ memory: inout Memory,
        _ body: (inout Memory) throws(ArtifactError) -> Void
    ) {
        guard !bell.isStopping else { return }
        do throws(ArtifactError) {
            let store = try place.map { (place) throws(ArtifactError) in try stores.place(of: place).store } ?? 0
            if let unanswered = memory.unanswered[store], unanswered.count >= Self.patience { throw unanswered.error }
            do throws(ArtifactError) { try body(&memory) } catch {
                if error.code == .storeUnavailable || error.code == .storeThrottled {
                    memory.unanswered[store] = ((memory.unanswered[store]?.count ?? 0) + 1, error)
                }
                throw error
            }
        } catch {
            if memory.findings.errors[subject] == nil, memory.earlier.errors[subject]?.code != error.code, !bell.isStopping {
                log.warning("the registry in the store is behind", metadata: ["subject": "\(subject)", "error": "\(error)"])
            }
            memory.findings.errors[subject] = error
        }
    }

    // MARK: Experiments

    /// Finds out where an experiment lies, and lets its jobs go there. Called on any thread that has a session.
    func confirm(_ experiment: Experiment, _ store: RegistryStore) throws(ArtifactError) {
        _ = try store.writeIfAbsent(ExperimentDocument(experiment), at: try RegistryStore.experimentKey(experiment.id))
        // Whoever was first: the store's wins. Read back where ours was written, too: a server may ignore the condition.
        guard let found = try store.experiment(experiment.id) else {
            throw ArtifactError(
                .storeUnavailable,
                "the store does not show experiment \(experiment.id) although it was written; it is tried again")
        }
        guard found.tenant == experiment.tenant, found.name.utf8.elementsEqual(experiment.name.utf8) else {
            throw ArtifactError(
                .corruptObject, "experiment \(experiment.id) in the store has another tenant or name; restore or remove it")
        }
        let done = Monitor<Result<Void, ArtifactError>?>(nil)
        journal.confirmExperiment(experiment.id, location: found.artifactLocation, createdAt: found.createdAt) {
            [dispatcher] outcome in
            if case .success(let jobs) = outcome { dispatcher.place(jobs) }
            done.withLock { $0 = outcome.map { _ in } }
            done.signal()
        }
        try done.wait { $0 }.get()
        _ = try journal.learnExperiment(found)
    }

    /// Jobs say why they wait for their experiment. One that cannot be confirmed fails its jobs: they can be retried when it is
    /// mended.
    private func explainUnplaced(_ findings: RegistryFindings) {
        var errors: [String: ArtifactError] = [:]
        for case (.experiment(let id), let error) in findings.errors { errors[id] = error }
        guard !errors.isEmpty else { return }
        for (sequence, error) in dispatcher.explainUnplaced(errors) where !error.code.isTransient {
            journal.submit(.failed(sequence, error, at: System.wallMilliseconds())) { [dispatcher] outcome in
                if case .success(true) = outcome { dispatcher.finished(sequence, .failed, error: error) }
            }
        }
    }

    // MARK: Runs

    /// Writes how a run stands. What another node has written of the same run stays, but for how it ended.
    private func write(_ run: Run, _ store: RegistryStore) throws(ArtifactError) {
        let key = try RegistryStore.runKey(run.id)
        if run.status == .running, try store.writeIfAbsent(RunDocument(run), at: key) { return try journal.runWritten(run) }
        guard var document = try store.read(RunDocument.self, at: key) else {
            try store.write(RunDocument(run), at: key)
            return try journal.runWritten(run)
        }
        guard document.tenant == run.tenant, document.experimentID == run.experimentID else {
            // Nothing of it is lost; but whoever looks for that id finds the other one.
            log.error(
                "the id of a run is that of another experiment's run in the store: this one cannot be found by its id",
                metadata: ["run": "\(run.id)", "experiment": "\(run.experimentID)"])
            return try journal.runWritten(run)
        }
        if run.status == .running {
            if let found = document.run { _ = try journal.learnRun(found) }
        } else {
            document.status = "\(run.status)"
            document.endedAt = run.endedAt
            try store.write(document, at: key)
        }
        try journal.runWritten(run)
    }
}
