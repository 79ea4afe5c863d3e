import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import Synchronization

/// Who waits for manifests, and what the registrar has found out about those that are not written.
///
/// The registrar answers after each of its passes; whose time is up is answered by the clock, though the registrar may be waiting
/// for the store.
final class CommitWaiters: Sendable {
    typealias Answer = @Sendable (Result<CommitWaited, ArtifactError>) -> Void

    private struct Waiter: Sendable {
        var number: Int
        var commit: CommitSubject
        /// The connection that waits; nil for none.
        var connection: ObjectIdentifier?
        /// Monotonic nanoseconds; nil to wait without end.
        var deadline: UInt64?
        var answer: Answer
    }

    private struct State {
        var waiters: [Waiter] = []
        var lastNumber = 0
        var findings = RegistryFindings()
        /// The last wait that began before the pass which the findings are of.
        var settled = 0
        var isStopping = false
    }

    /// How much longer than its deadline a wait may take where no pass has looked at its group yet, in nanoseconds.
    private static let grace: UInt64 = 2_000_000_000
    /// The most that may wait.
    private static let limit = 10_000

    private let journal: Journal
    private let state = Mutex(State())

    init(journal: Journal) { self.journal = journal }

    /// Answers when a run or a group is committed, when it cannot be, or at the deadline (monotonic nanoseconds).
    /// - Parameter connection: whose end also ends the wait, see `drop`.
    /// - Returns: whether it is to be waited for.
    func add(
        _ commit: CommitSubject, connection: ObjectIdentifier? = nil, deadline: UInt64?, answer: @escaping Answer
    ) -> Bool {
        do throws(ArtifactError) {
            let isLate = deadline.map { $0 <= System.monotonicNanoseconds() } ?? false
            let findings = state.withLock { $0.findings }
            // What went wrong before may go well the next time: that is waited for.
            // Which members are missing is known after a look into the store.
            let isAnswerable = isLate && (commit.group == nil || findings.missing[commit] != nil)
            if let outcome = try outcome(commit, findings, areCurrent: false, isLate: isAnswerable) {
                answer(.success(outcome))
                return false
            }
            try state.withLock { state throws(ArtifactError) in
                if state.isStopping { throw Self.stopping }
                guard state.waiters.count < Self.limit else {
                    throw ArtifactError(
                        .busy, "\(Self.limit) requests are waiting for manifests already; ask how it stands with a timeout of 0",
                        retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
                }
                state.lastNumber += 1
                state.waiters.append(
                    Waiter(
                        number: state.lastNumber, commit: commit, connection: connection, deadline: deadline, answer: answer))
            }
            return true
        } catch {
            answer(.failure(error))
            return false
        }
    }

    /// Whether anybody waits for it.
    func isAwaited(_ commit: CommitSubject) -> Bool { state.withLock { $0.waiters.contains { $0.commit == commit } } }

    /// The number of the last wait that has begun; see `settle`.
    var lastNumber: Int { state.withLock { $0.lastNumber } }

    /// Answers those whose wait is over, by what a pass has found out.
    /// - Parameter number: those that began to wait later are left to the next pass: this one may have been too early for them.
    func settle(_ findings: RegistryFindings, upTo number: Int) {
        let commits = state.withLock { state in
            state.findings = findings
            state.settled = number
            return Set(state.waiters.lazy.filter { $0.number <= number }.map(\.commit))
        }
        for commit in commits {
            do throws(ArtifactError) {
                guard let outcome = try outcome(commit, findings, areCurrent: true, isLate: false) else { continue }
                answer(take { $0.commit == commit && $0.number <= number }, .success(outcome))
            } catch {
                answer(take { $0.commit == commit && $0.number <= number }, .failure(error))
            }
        }
        _ = expire(now: System.monotonicNanoseconds())
    }

    /// Answers those whose deadline has passed.
    /// - Returns: the next deadline.
    func expire(now: UInt64) -> UInt64? {
        let (findings, settled) = state.withLock { ($0.findings, $0.settled) }
        let due = take { waiter in
            guard let deadline = waiter.deadline, deadline <= now else { return false }
            return waiter.commit.group == nil || waiter.number <= settled || deadline + Self.grace <= now
        }
        for waiter in due {
            do throws(ArtifactError) {
                guard let outcome = try outcome(waiter.commit, findings, areCurrent: false, isLate: true) else { continue }
                waiter.answer(.success(outcome))
            } catch {
                waiter.answer(.failure(error))
            }
        }
        return state.withLock { $0.waiters.compactMap(\.deadline).min() }
    }

    /// Forgets the waits of a connection that has ended: nobody is left to be answered.
    func drop(_ connection: ObjectIdentifier) { _ = take { $0.connection == connection } }

    /// How many wait.
    var count: Int { state.withLock { $0.waiters.count } }

    /// Answers all that the daemon is stopping.
    func stop() {
        state.withLock { $0.isStopping = true }
        answer(take { _ in true }, .failure(Self.stopping))
    }

    private static let stopping = ArtifactError(.shuttingDown, "the daemon is stopping; ask again when it is back")

    static func neverRequested(_ commit: CommitSubject) -> ArtifactError {
        ArtifactError(.notFound, "nobody has asked this daemon to commit \(commit); ask it to")
    }

    private func take(_ isTaken: (Waiter) -> Bool) -> [Waiter] {
        state.withLock { state in
            let taken = state.waiters.filter(isTaken)
            if !taken.isEmpty { state.waiters.removeAll(where: isTaken) }
            return taken
        }
    }

    private func answer(_ waiters: [Waiter], _ outcome: Result<CommitWaited, ArtifactError>) {
        for waiter in waiters { waiter.answer(outcome) }
    }

    /// How a wait ends; nil while it does not. Always something when it is late.
    /// - Parameter areCurrent: whether the findings were made after the wait began.
    private func outcome(
        _ commit: CommitSubject, _ findings: RegistryFindings, areCurrent: Bool, isLate: Bool
    ) throws(ArtifactError) -> CommitWaited? {
        var waited = CommitWaited(isCommitted: false, pending: 0, failed: 0, missing: [], error: nil)
        switch try journal.commitState(run: commit.run, group: commit.group) {
        case .neverRequested:
            throw Self.neverRequested(commit)
        case .committed:
            waited.isCommitted = true
            return waited
        case .open(let requests):
            for request in requests where !request.isWritten {
                let progress = try journal.commitProgress(request)
                waited.pending += UInt64(progress.pending)
                waited.failed += UInt64(progress.failed)
            }
            waited.missing = Array((findings.missing[commit] ?? []).prefix(CommitWaited.maximumMissing))
            waited.error =
                findings.errors[.commit(commit)]
                ?? requests.first.flatMap { findings.errors[.experiment($0.run.experimentID)] }
            let isHopeless = areCurrent && waited.error.map { !$0.code.isTransient } ?? false
            let cannotBe = waited.pending == 0 && (waited.failed > 0 || isHopeless)
            return isLate || cannotBe ? waited : nil
        }
    }
}
