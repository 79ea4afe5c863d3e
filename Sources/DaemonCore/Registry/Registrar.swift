import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import Logging
import ObjectStore
import Synchronization
import WorkerPool

/// Brings what the journal knows of experiments, runs and their manifests into the store, on one thread of its own.
///
/// The journal says what is to be done, so nothing is lost by a restart. What the store refuses or does not answer is tried again
/// with growing pauses; each subject by itself, so that one which fails keeps no other.
final class Registrar: Sendable {
    /// What can be in trouble.
    private enum Subject: Hashable {
        case experiment(String)
        case run(String)
        case commit(run: String, group: String?)
    }

    /// Somebody who waits for a commit.
    private struct Waiter: Sendable {
        var run: String
        var group: String?
        /// Monotonic nanoseconds; nil to wait without end.
        var deadline: UInt64?
        var answer: Answer
    }

    typealias Answer = @Sendable (Result<CommitWaited, ArtifactError>) -> Void

    /// How often a group is looked at whose members may be on other nodes, in nanoseconds.
    private static let groupInterval: UInt64 = 1_000_000_000
    private static let page = 1000

    private let journal: Journal
    private let stores: Stores
    private let dispatcher: Dispatcher
    private let log: Logger
    private let bell: RegistryBell
    private let waiters = Mutex<[Waiter]>([])
    private let backoff: Backoff

    init(
        journal: Journal, stores: Stores, dispatcher: Dispatcher, log: Logger,
        backoff: Backoff = Backoff(base: 1_000_000_000, cap: 60_000_000_000)
    ) {
        self.journal = journal
        self.stores = stores
        self.dispatcher = dispatcher
        self.log = log
        self.backoff = backoff
        bell = dispatcher.bell
    }

    /// Answers when a run or a group is committed, when it cannot be, or at the deadline (monotonic nanoseconds).
    func wait(run: String, group: String?, deadline: UInt64?, answer: @escaping Answer) {
        waiters.withLock { $0.append(Waiter(run: run, group: group, deadline: deadline, answer: answer)) }
        bell.ring()
    }

    // MARK: The thread

    /// What a thread knows from one pass to the next.
    private struct Memory {
        let sessions: StoreSessions
        /// Why something is not done.
        var troubles: [Subject: ArtifactError] = [:]
        /// The members that a group still lacks.
        var missing: [Subject: [UInt32]] = [:]
        /// How many passes in a row met trouble.
        var failures = 0
    }

    /// The thread's life.
    func run() {
        var memory = Memory(sessions: StoreSessions(stores))
        var earliest: UInt64 = 0
        var retryAt: UInt64?
        while bell.wait(earliest: earliest, deadline: [retryAt, nextDeadline].compactMap { $0 }.min()) {
            let began = System.monotonicNanoseconds()
            pass(&memory)
            answerWaiters(memory)
            let ended = System.monotonicNanoseconds()
            // At most a tenth of a core, however fast jobs end that somebody waits for.
            earliest = ended + 9 * (ended - began)
            retryAt = memory.missing.isEmpty ? nil : ended + Self.groupInterval
            if !memory.troubles.isEmpty {
                memory.failures += 1
                var generator = SystemRandomNumberGenerator()
                let pause = ended + backoff.delay(afterFailures: memory.failures, using: &generator)
                retryAt = min(pause, retryAt ?? .max)
                // New work rings; what is in trouble must not be asked for without end.
                earliest = max(earliest, min(pause, ended + Self.groupInterval))
            } else {
                memory.failures = 0
            }
        }
        for waiter in waiters.withLock({ waiters in
            defer { waiters = [] }
            return waiters
        }) {
            waiter.answer(.failure(ArtifactError(.shuttingDown, "the daemon is stopping; ask again when it is back")))
        }
    }

    private var nextDeadline: UInt64? { waiters.withLock { $0.compactMap(\.deadline).min() } }

    private func pass(_ memory: inout Memory) {
        memory.troubles = [:]
        memory.missing = [:]
        do throws(ArtifactError) {
            let own = RegistryStore(session: memory.sessions[0])
            for experiment in try journal.experimentsToConfirm() {
                attempt(.experiment(experiment.id), &memory) { _ throws(ArtifactError) in
                    do throws(ArtifactError) { try confirm(experiment, own) } catch {
                        if !error.code.isTransient { failUnplaced(in: experiment.id, error) }
                        throw error
                    }
                }
            }
            for experiment in try journal.statesToWrite() {
                attempt(.experiment(experiment.id), &memory) { _ throws(ArtifactError) in
                    try own.write(ExperimentStateDocument(experiment), at: try RegistryStore.stateKey(experiment.id))
                    try journal.stateWritten(experiment)
                }
            }
            for run in try journal.runsToWrite(limit: Self.page) {
                attempt(.run(run.id), &memory) { _ throws(ArtifactError) in
                    try own.write(RunDocument(run), at: try RegistryStore.runKey(run.id))
                    try journal.runWritten(run)
                }
            }
            let commits = try journal.openCommits()
            // Before they are counted: a job that ends from here on rings.
            bell.awaitJobs(!commits.isEmpty)
            for commit in commits where !commit.run.isProvisional {
                attempt(.commit(run: commit.run.id, group: commit.group), &memory) { memory throws(ArtifactError) in
                    try advance(commit, &memory)
                }
            }
        } catch {
            log.error("the registry's work cannot be read", metadata: ["error": "\(error)"])
            memory.troubles[.experiment("")] = error
        }
    }

    private func attempt(
        _ subject: Subject, _ memory: inout Memory, _ body: (inout Memory) throws(ArtifactError) -> Void
    ) {
        guard !bell.isStopping else { return }
        do throws(ArtifactError) { try body(&memory) } catch {
            if memory.troubles[subject] == nil, memory.failures == 0 {
                log.warning("a document of the registry is not in the store yet", metadata: ["error": "\(error)"])
            }
            memory.troubles[subject] = error
        }
    }

    /// An experiment that cannot be confirmed fails its jobs, with the reason: they can be retried when it is mended.
    private func failUnplaced(in experiment: String, _ error: ArtifactError) {
        for (sequence, _) in dispatcher.unplaced(in: experiment) {
            journal.submit(.failed(sequence, error, at: System.wallMilliseconds())) { [dispatcher] outcome in
                if case .success(true) = outcome { dispatcher.finished(sequence, .failed, error: error) }
            }
        }
    }

    /// Finds out where an experiment lies, and lets its jobs go there. Called on any thread that has a session.
    func confirm(_ experiment: Experiment, _ store: RegistryStore) throws(ArtifactError) {
        try store.writeIfAbsent(ExperimentDocument(experiment), at: try RegistryStore.experimentKey(experiment.id))
        // Whoever was first: the store's wins. Read back where ours was written, too: a server may ignore the condition.
        guard let found = try store.experiment(experiment.id) else {
            throw ArtifactError(
                .storeUnavailable, "the store does not show experiment \(experiment.id) although it was written; it is tried again")
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

    // MARK: Manifests

    private func advance(_ commit: CommitRequest, _ memory: inout Memory) throws(ArtifactError) {
        let root = try stores.resolve("\(Experiment.runURI(artifactURI: commit.run.artifactURI))/manifests/x")
        let store = RegistryStore(session: memory.sessions[root.store])
        let base = String(root.key.text.dropLast("manifests/x".utf8.count))
        if !commit.isWritten {
            let progress = try journal.commitProgress(commit)
            guard progress.pending == 0, progress.failed == 0 else { return }
            let artifacts = try artifacts(of: commit)
            let now = System.wallMilliseconds()
            if let group = commit.group {
                let document = MemberDocument(
                    runID: commit.run.id, group: group, member: commit.member, members: commit.members, artifacts: artifacts)
                try store.write(document, at: try ObjectKey("\(base)groups/\(group)/\(commit.member).json"))
            } else {
                let document = ManifestDocument(
                    runID: commit.run.id, daemon: journal.daemonID, status: "\(commit.run.status)", committedAt: now,
                    artifacts: artifacts)
                try store.write(document, at: try ObjectKey("\(base)manifests/\(journal.daemonID).json"))
            }
            // Asked for again meanwhile: the next pass writes it once more.
            guard try journal.manifestWritten(commit, at: now) else { return bell.ring() }
        }
        if let group = commit.group { try completeGroup(group, of: commit, "\(base)groups/\(group)/", store, &memory) }
    }

    private func artifacts(of commit: CommitRequest) throws(ArtifactError) -> [ArtifactDocument] {
        var artifacts: [ArtifactDocument] = []
        var after: String?
        repeat {
            let page = try journal.manifestArtifacts(commit, after: after, limit: Self.page)
            artifacts += page.map(ArtifactDocument.init)
            after = page.count == Self.page ? page.last?.path : nil
        } while after != nil
        return artifacts
    }

    /// Writes a group's `commit.json` once every member's document is there, wherever its member was.
    private func completeGroup(
        _ group: String, of commit: CommitRequest, _ base: String, _ store: RegistryStore, _ memory: inout Memory
    ) throws(ArtifactError) {
        var names: Set<String> = []
        var after: String?
        repeat {
            let page = try store.session.list(prefix: base, after: after, limit: Self.page)
            names.formUnion(page.entries.map { String($0.key.dropFirst(base.count)) })
            after = page.next
        } while after != nil
        if !names.contains("commit.json") {
            let missing = (0..<commit.members).filter { !names.contains("\($0).json") }
            guard missing.isEmpty else {
                memory.missing[.commit(run: commit.run.id, group: group)] = missing
                return
            }
            var artifacts: [ArtifactDocument] = []
            for member in 0..<commit.members {
                let key = try ObjectKey("\(base)\(member).json")
                guard let document = try store.read(MemberDocument.self, at: key) else {
                    throw ArtifactError(.storeUnavailable, "the store lists '\(key)' and does not show it; it is tried again")
                }
                artifacts += document.artifacts
            }
            artifacts.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
            let document = GroupDocument(runID: commit.run.id, group: group, members: commit.members, artifacts: artifacts)
            try store.writeIfAbsent(document, at: try ObjectKey("\(base)commit.json"))
        }
        try journal.groupCommitted(run: commit.run.id, group: group, at: System.wallMilliseconds())
    }

    // MARK: Who waits

    private func answerWaiters(_ memory: Memory) {
        let now = System.monotonicNanoseconds()
        var answers: [(Answer, Result<CommitWaited, ArtifactError>)] = []
        waiters.withLock { waiters in
            waiters.removeAll { waiter in
                do throws(ArtifactError) {
                    guard let outcome = try outcome(waiter, memory, isLate: now >= waiter.deadline ?? .max) else { return false }
                    answers.append((waiter.answer, .success(outcome)))
                } catch {
                    answers.append((waiter.answer, .failure(error)))
                }
                return true
            }
        }
        for (answer, outcome) in answers { answer(outcome) }
    }

    /// How a wait ends; nil while it does not.
    private func outcome(_ waiter: Waiter, _ memory: Memory, isLate: Bool) throws(ArtifactError) -> CommitWaited? {
        switch try journal.commitState(run: waiter.run, group: waiter.group) {
        case .neverRequested:
            throw ArtifactError(
                .notFound, "nobody has asked this daemon to commit \(waiter.group.map { "group '\($0)' of " } ?? "")run '\(waiter.run)'")
        case .committed: return CommitWaited(isCommitted: true, pending: 0, failed: 0, missing: [], error: nil)
        case .open(let requests):
            var waited = CommitWaited(isCommitted: false, pending: 0, failed: 0, missing: [], error: nil)
            for request in requests where !request.isWritten {
                let progress = try journal.commitProgress(request)
                waited.pending += UInt64(progress.pending)
                waited.failed += UInt64(progress.failed)
            }
            let subject = Subject.commit(run: waiter.run, group: waiter.group)
            waited.missing = Array((memory.missing[subject] ?? []).prefix(CommitWaited.maximumMissing))
            waited.error = memory.troubles[subject] ?? requests.first.flatMap { memory.troubles[.experiment($0.run.experimentID)] }
            let cannotBe = waited.pending == 0 && (waited.failed > 0 || waited.error.map { !$0.code.isTransient } ?? false)
            return isLate || cannotBe ? waited : nil
        }
    }
}
