import ArtifactModel

/// Who waits for which jobs to come how far. No clock and no lock: the dispatcher holds it under its own, and calls the answers
/// outside of it.
struct Waiters {
    /// How a wait ended.
    struct Outcome: Sendable, Equatable {
        /// How many jobs have not come so far.
        var pending: UInt64
        /// How many failed or were cancelled.
        var failed: UInt64
        /// Why the last of those that failed did.
        var error: ArtifactError?
    }

    /// Jobs that were final before the wait began, and were not stored.
    struct Failures {
        private(set) var count: UInt64 = 0
        /// Why the last of them was not.
        private(set) var error: ArtifactError?

        /// Counts a job that is final.
        mutating func add(_ record: JobRecord) {
            guard record.state != .stored else { return }
            count += 1
            error = record.error ?? .jobCancelled
        }
    }

    typealias Answer = @Sendable () -> Void

    private struct Waiter {
        var remaining: Set<Int64>
        /// Whether it is still being looked up how jobs ended that were final before.
        var isOpen: Bool
        var level: AcknowledgementLevel
        var failed: UInt64
        var error: ArtifactError?
        /// Monotonic nanoseconds; nil to wait without end.
        var deadline: UInt64?
        var answer: @Sendable (Result<Outcome, ArtifactError>) -> Void

        func answering() -> Answer {
            let outcome = Outcome(pending: UInt64(remaining.count), failed: failed, error: error)
            return { answer(.success(outcome)) }
        }
    }

    private var waiters: [Int: Waiter] = [:]
    private var byJob: [Int64: [Int]] = [:]
    private var nextNumber = 0

    /// Adds a wait.
    /// - Parameter isOpen: whether `close` will follow, with what is to be added to the failures.
    /// - Returns: the wait's number, and the answer when there is nothing to wait for.
    mutating func add(
        _ sequences: [Int64], isOpen: Bool, level: AcknowledgementLevel, deadline: UInt64?,
        answer: @escaping @Sendable (Result<Outcome, ArtifactError>) -> Void
    ) -> (number: Int, answer: Answer?) {
        let waiter = Waiter(
            remaining: Set(sequences), isOpen: isOpen, level: level, failed: 0, error: nil, deadline: deadline, answer: answer)
        let number = nextNumber
        nextNumber += 1
        if waiter.remaining.isEmpty && !isOpen { return (number, waiter.answering()) }
        for sequence in waiter.remaining { byJob[sequence, default: []].append(number) }
        waiters[number] = waiter
        return (number, nil)
    }

    /// Adds the failures among the jobs that were final before.
    mutating func close(_ number: Int, _ failures: Failures) -> Answer? {
        guard var waiter = waiters[number] else { return nil }
        waiter.isOpen = false
        waiter.failed += failures.count
        waiter.error = waiter.error ?? failures.error
        waiters[number] = waiter
        return answerIfDone(number)
    }

    /// Drops a wait whose jobs turned out not to be the caller's to know of; false when it was answered already.
    mutating func drop(_ number: Int) -> Bool {
        guard let waiter = waiters.removeValue(forKey: number) else { return false }
        for sequence in waiter.remaining { forget(number, of: sequence) }
        return true
    }

    /// A job has come as far as `level`.
    mutating func reached(_ sequence: Int64, _ level: AcknowledgementLevel) -> [Answer] {
        (byJob[sequence] ?? []).compactMap { number in
            guard let waiter = waiters[number], waiter.level <= level else { return nil }
            forget(number, of: sequence)
            return strike(sequence, from: number, failure: nil)
        }
    }

    /// A job has become final; with the reason, unless it was stored.
    mutating func finished(_ sequence: Int64, failure: ArtifactError?) -> [Answer] {
        (byJob.removeValue(forKey: sequence) ?? []).compactMap { strike(sequence, from: $0, failure: failure) }
    }

    /// The answers of those whose deadline has passed.
    mutating func expired(now: UInt64) -> [Answer] {
        let due = waiters.filter { $0.value.deadline.map { $0 <= now } ?? false }
        for (number, waiter) in due {
            waiters[number] = nil
            for sequence in waiter.remaining { forget(number, of: sequence) }
        }
        return due.values.map { $0.answering() }
    }

    var nextDeadline: UInt64? { waiters.values.compactMap(\.deadline).min() }

    private mutating func strike(_ sequence: Int64, from number: Int, failure: ArtifactError?) -> Answer? {
        guard var waiter = waiters[number] else { return nil }
        waiter.remaining.remove(sequence)
        if let failure {
            waiter.failed += 1
            waiter.error = failure
        }
        waiters[number] = waiter
        return answerIfDone(number)
    }

    private mutating func answerIfDone(_ number: Int) -> Answer? {
        guard let waiter = waiters[number], waiter.remaining.isEmpty, !waiter.isOpen else { return nil }
        waiters[number] = nil
        return waiter.answering()
    }

    private mutating func forget(_ number: Int, of sequence: Int64) {
        byJob[sequence]?.removeAll { $0 == number }
        if byJob[sequence]?.isEmpty == true { byJob[sequence] = nil }
    }
}

extension ArtifactError {
    /// Why a cancelled job was not stored.
    static var jobCancelled: ArtifactError { ArtifactError(.cancelled, "the job was cancelled") }
}
