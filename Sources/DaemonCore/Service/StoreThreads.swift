import ArtifactModel
import ArtifactWire
import LinuxSystem
import WorkerPool

/// Threads that may wait for a store on behalf of clients' requests: never an upload worker's, never a connection's.
///
/// There are two sets of them. Who reads objects from a store that does not answer must not keep those that look something up in the
/// registry, as each hand-over over HTTP does.
final class StoreThreads: Sendable {
    /// The most requests that wait for a thread.
    private static let queueLimit = 256

    private typealias Task = @Sendable (StoreSessions) -> Void

    private struct State {
        var tasks: [Task] = []
        var isStopping = false
    }

    private let stores: Stores
    private let dispatcher: Dispatcher
    private let monitor = Monitor(State())

    init(stores: Stores, dispatcher: Dispatcher) {
        self.stores = stores
        self.dispatcher = dispatcher
    }

    typealias Answer = @Sendable (Result<Message, ArtifactError>) -> Void

    /// Runs the body on a thread that may wait for a store, and answers with what it returns or throws.
    /// - Parameter patience: how long the store may take in all, in nanoseconds; its calls fail as `cancelled` then. Nil for as long as
    ///   they need.
    func perform(
        _ answer: @escaping Answer, patience: UInt64? = nil,
        _ body: @escaping @Sendable (StoreSessions) throws(ArtifactError) -> Message
    ) {
        // From now on: whoever waits for a thread behind others has waited for the store as they have.
        let deadline = patience.map { System.monotonicNanoseconds() + $0 }
        let isFull = monitor.withLock { state in
            guard !state.isStopping, state.tasks.count < Self.queueLimit else { return true }
            state.tasks.append { sessions in
                sessions.setDeadline(deadline)
                do throws(ArtifactError) { answer(.success(try body(sessions))) } catch {
                    answer(.failure(error.code == .cancelled ? .silentStore : error))
                }
            }
            return false
        }
        if isFull {
            return answer(
                .failure(
                    ArtifactError(
                        .busy, "too many requests wait for the store; try again",
                        retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)))
        }
        monitor.signal()
    }

    /// One thread's life.
    func run() {
        let sessions = StoreSessions(stores, dispatcher: dispatcher)
        while let task = next() { task(sessions) }
    }

    private func next() -> Task? {
        monitor.wait { (state) -> Task?? in
            if state.isStopping { return .some(nil) }
            if state.tasks.isEmpty { return .none }
            return .some(state.tasks.removeFirst())
        }
    }

    func stop() {
        monitor.withLock { state in
            state.isStopping = true
            state.tasks = []
        }
        monitor.broadcast()
    }
}

extension ArtifactError {
    /// Why a request was given up that a store kept waiting.
    static var silentStore: ArtifactError {
        ArtifactError(.storeUnavailable, "the store has not answered in time; check that it runs and can be reached")
    }
}
