import ArtifactModel
import GRDB
import Glibc
import WorkerPool

/// The one writer: takes all that is waiting, runs it in one transaction, and answers each after the commit.
///
/// One fsync then serves all hand-overs that arrive while the one before is under way. Steps for which nobody stands waiting, of
/// which each small job makes two, do not cause a commit of their own at once: for a moment they wait for company. Whoever submits
/// bounds how much waits: a session has a bounded number of requests under way.
final class GroupCommit: Sendable {
    /// Something to write.
    struct Entry: Sendable {
        /// Whether a promise to a client follows from it: no longer given when the disk is full or not to be trusted.
        let isPromise: Bool
        /// Whether somebody stands waiting for the answer.
        let isPressing: Bool
        /// Runs the statements and returns what answers once they are committed.
        let perform: @Sendable (Database) throws -> @Sendable () -> Void
        /// Answers that nothing was written, or that it is unknown whether.
        let refuse: @Sendable (ArtifactError) -> Void

        /// An entry with a result. An `ArtifactError` from `body` concerns this entry alone, which must then have written nothing;
        /// any other error undoes the whole transaction.
        init<Value: Sendable>(
            isPromise: Bool, isPressing: Bool, body: @escaping @Sendable (Database) throws -> Value,
            completion: @escaping @Sendable (Result<Value, ArtifactError>) -> Void
        ) {
            self.isPromise = isPromise
            self.isPressing = isPressing
            perform = { db in
                do {
                    let value = try body(db)
                    return { completion(.success(value)) }
                } catch let error as ArtifactError {
                    return { completion(.failure(error)) }
                }
            }
            refuse = { completion(.failure($0)) }
        }
    }

    private struct State {
        var waiting: [Entry] = []
        /// When what waits is committed at the latest, by the monotonic clock; nil while nothing waits.
        var due: UInt64?
        var isClosed = false
        var condition: JournalCondition
    }

    /// How long a step waits for company, in nanoseconds.
    private static let linger: UInt64 = 5_000_000

    private let database: DatabaseQueue
    private let directory: String
    private let place: JournalPlace
    private let reserve: Reserve
    private let now: @Sendable () -> Int64
    private let state: Monitor<State>

    /// - Parameter condition: what opening found.
    init(
        database: DatabaseQueue, directory: String, place: JournalPlace, reserve: Reserve, condition: JournalCondition,
        now: @escaping @Sendable () -> Int64
    ) {
        self.database = database
        self.directory = directory
        self.place = place
        self.reserve = reserve
        self.now = now
        state = Monitor(State(condition: condition))
    }

    var condition: JournalCondition {
        let condition = state.withLock { $0.condition }
        // A failure lasts until the restart, and is the graver one.
        if case .failed = condition { return condition }
        return place.displacement.map { .displaced(reason: $0) } ?? condition
    }

    /// Queues an entry. It is answered on the writer's thread, in the order of submission; after `close` at once, on the caller's.
    func submit(_ entry: Entry) {
        let (isClosed, wakes) = state.withLock { state in
            if state.isClosed { return (true, false) }
            // The writer is asleep without an end, or until `due`: it is woken when that is to change.
            let due = entry.isPressing ? 0 : min(state.due ?? .max, Self.monotonicNanoseconds() + Self.linger)
            let wakes = state.due.map { due < $0 } ?? true
            state.waiting.append(entry)
            state.due = due
            return (false, wakes)
        }
        guard isClosed else {
            if wakes { state.signal() }
            return
        }
        entry.refuse(ArtifactError(.shuttingDown, "artifactd is stopping; try again after its restart"))
    }

    /// Takes no more entries; `run` returns once those that wait are answered.
    func close() {
        state.withLock { $0.isClosed = true }
        state.broadcast()
    }

    /// The writer thread's life.
    func run() {
        while true {
            let batch = state.waitTimed { state -> Turn<[Entry]> in
                if !state.isClosed {
                    guard let due = state.due else { return .wait(until: nil) }
                    if due > Self.monotonicNanoseconds() { return .wait(until: due) }
                }
                let batch = state.waiting
                state.waiting = []
                state.due = nil
                return .done(batch)
            }
            if batch.isEmpty { return }
            settle(batch)
        }
    }

    /// By the clock that `Monitor` waits by.
    private static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    // MARK: A batch

    private func settle(_ batch: [Entry]) {
        var batch = batch
        if let refusal = refusalOfPromises() {
            refuse(batch.filter(\.isPromise), refusal)
            batch.removeAll(where: \.isPromise)
        }
        guard let fault = attempt(batch) else { return }
        guard case .noSpace = fault else { return refuse(batch, entered(fault)) }
        reserve.release()
        let refusal = entered(fault)
        refuse(batch.filter(\.isPromise), refusal)
        batch.removeAll(where: \.isPromise)
        if let fault = attempt(batch) { refuse(batch, entered(fault)) }
    }

    /// Runs the entries in one transaction and answers them. Returns what stood against it; then none is answered.
    private func attempt(_ batch: [Entry]) -> StorageFault? {
        guard !batch.isEmpty else { return nil }
        do {
            let answers = try database.writeWithoutTransaction { db in
                var answers: [@Sendable () -> Void] = []
                answers.reserveCapacity(batch.count)
                try db.inPreparedTransaction {
                    for entry in batch { answers.append(try entry.perform(db)) }
                }
                return answers
            }
            for answer in answers { answer() }
            return nil
        } catch {
            return StorageFault(error, probe: reserve.probe)
        }
    }

    private func refuse(_ entries: [Entry], _ error: ArtifactError) {
        for entry in entries { entry.refuse(error) }
    }

    // MARK: The condition

    /// Takes note of a fault and returns the error that it means for what was to be written.
    private func entered(_ fault: StorageFault) -> ArtifactError {
        let now = now()
        state.withLock { state in
            switch (state.condition, fault) {
            case (.failed, _), (.full, .noSpace), (_, .passing): break
            case (_, .noSpace(let reason)): state.condition = .full(since: now, reason: reason)
            case (_, .readOnly(let reason)): state.condition = .readOnly(reason: reason)
            case (_, .broken(let reason)): state.condition = .failed(reason: reason)
            }
        }
        return fault.error(in: directory)
    }

    /// Nil when promises can be made; tries to get there first.
    private func refusalOfPromises() -> ArtifactError? {
        let refusal: ArtifactError
        switch condition {
        case .ok: return nil
        case .displaced(let reason): return ArtifactError(displaced: reason)
        case .failed(let reason): return StorageFault.broken(reason).error(in: directory)
        case .full(_, let reason):
            refusal = StorageFault.noSpace(reason).error(in: directory)
            guard reserve.fits else { return refusal }
        case .readOnly(let reason): refusal = StorageFault.readOnly(reason).error(in: directory)
        }
        guard reserve.hold() == nil else { return refusal }
        state.withLock { $0.condition = .ok }
        return nil
    }
}
