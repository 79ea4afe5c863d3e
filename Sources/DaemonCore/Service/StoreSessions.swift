import ObjectStore

/// One thread's sessions with the stores, made when they are first needed.
final class StoreSessions {
    private let stores: Stores
    private var sessions: [Int: any ObjectStoreSession] = [:]

    init(_ stores: Stores) { self.stores = stores }

    /// The session with the store of that index in `Stores.all`.
    subscript(_ store: Int) -> any ObjectStoreSession {
        if let session = sessions[store] { return session }
        let session = stores.all[store].makeSession()
        sessions[store] = session
        return session
    }
}
