import ArtifactModel
import ArtifactWire
import LinuxSystem
import ObjectStore
import WorkerPool

/// Reads, lists and deletes objects for clients, on threads of its own: never on an upload worker's.
final class Objects: Sendable {
    /// The most requests that wait for a thread.
    private static let queueLimit = 256
    /// The most entries of one answer: URIs of the longest keys still fit into a frame.
    private static let pageLimit = 500

    /// How long a listing or a removal may take, in nanoseconds; a download takes as long as it needs.
    private static let patience: UInt64 = 30_000_000_000

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

    func list(_ request: ListObjects, answer: @escaping Answer) {
        perform(answer, patience: Self.patience) { [stores] sessions throws(ArtifactError) in
            let (store, prefix) = try stores.place(of: request.prefix)
            let page = try sessions[store].list(
                prefix: prefix, after: request.after, limit: min(Int(request.limit), Self.pageLimit))
            let location = stores.all[store].location
            return .objects(
                ArtifactWire.Objects(
                    entries: page.entries.map {
                        .init(uri: location.uri(ofKey: $0.key), size: $0.size, modifiedAt: $0.modifiedAt, etag: $0.etag)
                    }, next: page.next))
        }
    }

    /// Writes an object's bytes to a client's file.
    func get(_ request: Get, to file: SharedDescriptor, answer: @escaping Answer) {
        perform(answer) { [stores] sessions throws(ArtifactError) in
            try Self.checkTarget(file)
            let target = try stores.resolve(request.uri)
            return .got(try ObjectCopy.make(request, of: target, from: sessions[target.store], to: file))
        }
    }

    func delete(_ request: Delete, answer: @escaping Answer) {
        perform(answer, patience: Self.patience) { [stores, dispatcher] sessions throws(ArtifactError) in
            let target = try stores.resolve(request.uri)
            if let job = dispatcher.pendingJob(destination: target.uri) {
                throw ArtifactError(
                    .conflict, "job \(job) is still to write '\(target.uri.escapedForLog)'; wait for it or cancel it first")
            }
            do throws(ArtifactError) {
                guard try sessions[target.store].head(target.key) != nil else {
                    throw ArtifactError(.notFound, "there is no object '\(target.uri.escapedForLog)'")
                }
            } catch {
                // A damaged object is there all the same, and can be removed.
                guard error.code == .corruptObject else { throw error }
            }
            try sessions[target.store].delete(target.key)
            return .deleted
        }
    }

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
                        .busy, "too many requests for objects are waiting; try again",
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

    /// A file can be written to without anybody's help; a pipe would block this thread as long as its reader likes.
    private static func checkTarget(_ file: SharedDescriptor) throws(ArtifactError) {
        let (status, mode) = try kernelCalls(orThrow: .invalidRequest, "get: the descriptor cannot be asked what it is") {
            () throws(SystemError) in (try System.status(of: file.number), try System.accessMode(of: file.number))
        }
        guard status.isRegular else {
            throw ArtifactError(.invalidRequest, "get: the descriptor is a \(status.kindName); send one of a regular file")
        }
        guard mode.canWrite else {
            throw ArtifactError(.invalidRequest, "get: the descriptor is not open for writing")
        }
    }
}

extension ArtifactError {
    /// Why a request was given up that a store kept waiting.
    static var silentStore: ArtifactError {
        ArtifactError(.storeUnavailable, "the store has not answered in time; check that it runs and can be reached")
    }
}
