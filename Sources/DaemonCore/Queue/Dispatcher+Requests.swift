import ArtifactModel
import LinuxSystem

/// What clients ask about jobs.
extension Dispatcher {
    /// Whether, and where, a job is pending.
    func pending(_ id: JobID) -> (sequence: Int64, isActive: Bool, tenant: String)? {
        monitor.withLock { state in
            state.queue.entry(id).map { ($0.sequence, $0.standing == .taken, $0.tenant) }
        }
    }

    /// Whether any job is still to write to this destination.
    func pendingJob(destination: String) -> JobID? {
        monitor.withLock { state in
            state.queue.pending(destination: destination).first.flatMap { state.queue.entries[$0]?.id }
        }
    }

    /// Whether a job that was accepted later is to write to the same destination.
    func hasLater(than sequence: Int64, destination: String) -> Bool {
        monitor.withLock { state in state.queue.pending(destination: destination).contains { $0 > sequence } }
    }

    /// What became of a job that somebody wants to cancel.
    enum Withdrawal {
        /// It was active: its upload ends, and whoever waits for it learns how.
        case ending
        /// It is out of the workers' reach until `finished` or `release`.
        case withdrawn
        /// It is not pending.
        case notPending
    }

    /// Begins to cancel a job.
    func withdraw(_ sequence: Int64) -> Withdrawal {
        let withdrawal = monitor.withLock { state in
            guard let entry = state.queue.entries[sequence] else { return Withdrawal.notPending }
            guard entry.standing == .taken else {
                state.queue.hold(sequence, .steered)
                return .withdrawn
            }
            state.active.first { $0.sequence == sequence }?.end(.cancelled)
            return .ending
        }
        // There may be no worker on it that would notice.
        monitor.signal()
        return withdrawal
    }

    /// Answers when the jobs have come so far, or the deadline (monotonic nanoseconds) has passed.
    /// - Parameter lookUp: given the jobs that are not pending, says which of them were not stored; what it throws ends the wait.
    func wait(
        for ids: [JobID], level: AcknowledgementLevel, deadline: UInt64?,
        lookUp: ([JobID]) throws(ArtifactError) -> Waiters.Failures,
        answer: @escaping @Sendable (Result<Waiters.Outcome, ArtifactError>) -> Void
    ) {
        // The wait stands before anybody looks at what is final: so no job can end in between unseen.
        let (number, ended, atOnce) = monitor.withLock { state in
            var sequences: [Int64] = []
            var ended: [JobID] = []
            for id in ids {
                guard let entry = state.queue.entry(id) else {
                    ended.append(id)
                    continue
                }
                if entry.level < level { sequences.append(entry.sequence) }
            }
            let (number, atOnce) = state.waiters.add(
                sequences, isOpen: !ended.isEmpty, level: level, deadline: deadline, answer: answer)
            return (number, ended, atOnce)
        }
        if let atOnce { return atOnce() }
        guard !ended.isEmpty else { return }
        do throws(ArtifactError) {
            let failures = try lookUp(ended)
            let done = monitor.withLock { $0.waiters.close(number, failures) }
            done?()
        } catch {
            // Its time may have been up meanwhile: nobody is answered twice.
            if monitor.withLock({ $0.waiters.drop(number) }) { answer(.failure(error)) }
        }
    }

    /// The ids of the pending jobs that a peer may see.
    func pendingIDs(of peer: Peer) -> [JobID] {
        monitor.withLock { state in state.queue.entries.values.filter { peer.mayAct(for: $0.tenant) }.map(\.id) }
    }

    /// Answers those whose deadline has passed.
    /// - Returns: the next deadline.
    func expire(now: UInt64) -> UInt64? {
        let (done, next) = monitor.withLock { state in (state.waiters.expired(now: now), state.waiters.nextDeadline) }
        for answer in done { answer() }
        return next
    }
}
