import ArtifactModel
import DequeModule
import LinuxSystem
import WorkerPool

/// Makes clients' spool files durable on threads of its own: a large one takes seconds, in which its connection goes on.
///
/// What is handed over for the same destination meanwhile waits its turn here: hand-overs are accepted in the order in which they
/// came. Everything here is bounded by the requests that connections may have open.
final class SpoolCommitter: Sendable {
    typealias Completion = @Sendable (Result<Void, ArtifactError>) -> Void

    private struct Task: Sendable {
        var file: SpoolFile
        var name: String
        var destination: String
        var completion: Completion
    }

    private enum Turn: Sendable {
        case commit(Task)
        case handOver(@Sendable () -> Void)
    }

    private struct State {
        /// What a thread is to do next; at most one for each destination.
        var tasks: Deque<Task> = []
        /// By destination, what comes after a spool file that is being committed. The key is there as long as that goes on.
        var later: [String: Deque<Turn>] = [:]
        var isStopping = false
    }

    private let spool: Spool
    private let monitor = Monitor(State())

    init(spool: Spool) { self.spool = spool }

    /// Makes a spool file durable under a name.
    /// - Parameter completion: called once, on a thread that must not be held up. `localStorageFailed`, or `shuttingDown` where
    ///   the daemon stopped before a thread came to it: the file may then have the name or not.
    func commit(_ file: SpoolFile, as name: String, for destination: String, completion: @escaping Completion) {
        let task = Task(file: file, name: name, destination: destination, completion: completion)
        let isRefused = monitor.withLock { state in
            if state.later[destination] != nil {
                state.later[destination]?.append(.commit(task))
                return false
            }
            if state.isStopping { return true }
            state.later[destination] = []
            state.tasks.append(task)
            return false
        }
        if isRefused { return completion(.failure(Self.stopping)) }
        monitor.signal()
    }

    /// Hands over what needs no commit: at once, or after the spool files that came before it for the same destination.
    func inTurn(_ destination: String, _ handOver: @escaping @Sendable () -> Void) {
        let waits = monitor.withLock { state in
            guard state.later[destination] != nil else { return false }
            state.later[destination]?.append(.handOver(handOver))
            return true
        }
        if !waits { handOver() }
    }

    /// One thread's life.
    func run() {
        while let task = next() {
            let outcome: Result<Void, ArtifactError>
            do throws(SystemError) {
                try spool.commit(task.file.reader.number, as: task.name)
                outcome = .success(())
            } catch {
                outcome = .failure(spool.failure("could not take the file in", error))
            }
            finish(task, outcome)
        }
    }

    /// Ends the threads. What none of them has begun is refused; what waits behind it is handed over.
    func stop() {
        let left = monitor.withLock { state in
            state.isStopping = true
            defer { state.tasks = [] }
            return Array(state.tasks)
        }
        monitor.broadcast()
        for task in left { finish(task, .failure(Self.stopping)) }
    }

    private static let stopping = ArtifactError(
        .shuttingDown, "the daemon is stopping; hand the spool file's bytes over again when it is back",
        retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)

    private func next() -> Task? {
        monitor.wait { (state) -> Task?? in
            if let task = state.tasks.popFirst() { return .some(task) }
            return state.isStopping ? .some(nil) : .none
        }
    }

    /// Tells the outcome, and lets those have their turn that waited for it.
    private func finish(_ task: Task, _ outcome: Result<Void, ArtifactError>) {
        var (task, outcome) = (task, outcome)
        while true {
            task.completion(outcome)
            guard let refused = advance(task.destination) else { return }
            (task, outcome) = (refused, .failure(Self.stopping))
        }
    }

    /// Hands over what is next for the destination, up to a spool file, which is left to a thread.
    /// - Returns: the spool file, where there are no threads any more.
    private func advance(_ destination: String) -> Task? {
        while true {
            // The key stays until everything was handed over: whoever comes now must not overtake it.
            let (turn, isStopping) = monitor.withLock { state -> (Turn?, Bool) in
                let turn = state.later[destination]?.popFirst()
                switch turn {
                case nil: state.later[destination] = nil
                case .commit(let task): if !state.isStopping { state.tasks.append(task) }
                case .handOver: break
                }
                return (turn, state.isStopping)
            }
            switch turn {
            case nil: return nil
            case .handOver(let handOver): handOver()
            case .commit(let task):
                if isStopping { return task }
                monitor.signal()
                return nil
            }
        }
    }
}
