import LinuxSystem
import ObjectStore
import Synchronization

/// One thread's sessions with the stores, made when they are first needed.
final class StoreSessions {
    private let stores: Stores
    private let dispatcher: Dispatcher
    private let limit = TimeLimit()
    private var sessions: [Int: any ObjectStoreSession] = [:]

    /// - Parameter dispatcher: is told how the stores fare.
    init(_ stores: Stores, dispatcher: Dispatcher) {
        self.stores = stores
        self.dispatcher = dispatcher
    }

    /// The session with the store of that index in `Stores.all`.
    subscript(_ store: Int) -> any ObjectStoreSession {
        if let session = sessions[store] { return session }
        let session = WatchedSession(
            stores.all[store].makeSession { [limit] in limit.isOver }, of: store, dispatcher: dispatcher)
        sessions[store] = session
        return session
    }

    /// Calls that wait for a server are ended as `cancelled` from this time on, in monotonic nanoseconds; nil lets them take the time
    /// that they need.
    func setDeadline(_ deadline: UInt64?) { limit.end.store(deadline ?? .max, ordering: .relaxed) }

    private final class TimeLimit: Sendable {
        let end = Atomic<UInt64>(.max)
        var isOver: Bool { System.monotonicNanoseconds() >= end.load(ordering: .relaxed) }
    }
}
