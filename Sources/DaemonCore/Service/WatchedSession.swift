import ArtifactModel
import LinuxSystem
import ObjectStore

/// A session that tells the dispatcher how the store fares, so that status says so and nobody asks in vain.
///
/// For those who read, list, and write documents. Uploads tell it themselves: they keep to the pauses, too.
final class WatchedSession: ObjectStoreSession {
    /// A call that is cut short after so many nanoseconds has waited in vain; one that had less time says nothing of the store.
    private static let longEnough: UInt64 = 5_000_000_000

    private let session: any ObjectStoreSession
    private let store: Int
    private let dispatcher: Dispatcher

    /// - Parameter store: its index in `Stores.all`.
    init(_ session: any ObjectStoreSession, of store: Int, dispatcher: Dispatcher) {
        self.session = session
        self.store = store
        self.dispatcher = dispatcher
    }

    // MARK: Objects

    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject {
        try writing { () throws(ArtifactError) in try session.put(object, body: body, check: check) }
    }

    func putIfAbsent(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?
    ) throws(ArtifactError) -> StoredObject? {
        // Where an object is there already nothing is written.
        try watching(isWriting: true, provesWriting: { $0 != nil }) { () throws(ArtifactError) in
            try session.putIfAbsent(object, body: body, check: check)
        }
    }

    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo? {
        try reading { () throws(ArtifactError) in try session.head(key) }
    }

    func list(prefix: String, after: String?, limit: Int) throws(ArtifactError) -> ListPage {
        try reading { () throws(ArtifactError) in try session.list(prefix: prefix, after: after, limit: limit) }
    }

    func get(
        _ key: ObjectKey, range: Range<UInt64>?, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        try reading { () throws(ArtifactError) in try session.get(key, range: range, receive: receive) }
    }

    func delete(_ key: ObjectKey) throws(ArtifactError) {
        try writing { () throws(ArtifactError) in try session.delete(key) }
    }

    /// Remembered as a rule: that it is known says nothing of the store.
    func integrity() throws(ArtifactError) -> Integrity {
        do throws(ArtifactError) { return try session.integrity() } catch {
            return try writing { () throws(ArtifactError) in throw error }
        }
    }

    // MARK: Uploads

    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String {
        try writing { () throws(ArtifactError) in try session.createUpload(object) }
    }

    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt {
        try writing { () throws(ArtifactError) in try session.uploadPart(part, body: body) }
    }

    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart] {
        try reading { () throws(ArtifactError) in try session.listParts(key: key, uploadID: uploadID) }
    }

    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject {
        try writing { () throws(ArtifactError) in
            try session.completeUpload(key: key, uploadID: uploadID, parts: parts, check: check)
        }
    }

    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError) {
        try writing { () throws(ArtifactError) in try session.abortUpload(key: key, uploadID: uploadID) }
    }

    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload] {
        try reading { () throws(ArtifactError) in try session.listUploads(key: key) }
    }

    // MARK: Watching

    private func reading<Value>(_ call: () throws(ArtifactError) -> Value) throws(ArtifactError) -> Value {
        try watching(isWriting: false, provesWriting: { _ in false }, call)
    }

    private func writing<Value>(_ call: () throws(ArtifactError) -> Value) throws(ArtifactError) -> Value {
        try watching(isWriting: true, provesWriting: { _ in true }, call)
    }

    private func watching<Value>(
        isWriting: Bool, provesWriting: (Value) -> Bool, _ call: () throws(ArtifactError) -> Value
    ) throws(ArtifactError) -> Value {
        let start = System.monotonicNanoseconds()
        do throws(ArtifactError) {
            let value = try call()
            dispatcher.storeAnsweredAside(store, isWriting: provesWriting(value))
            return value
        } catch {
            switch error.code {
            case .storeUnavailable, .storeThrottled:
                dispatcher.storeFailedAside(store, error, isWriting: isWriting, since: start)
            case .cancelled:
                if System.monotonicNanoseconds() - start >= Self.longEnough {
                    dispatcher.storeFailedAside(store, .silentStore, isWriting: isWriting, since: start)
                }
            // What may not be read may be written all the same.
            case .storeDenied where isWriting, .noSuchBucket where isWriting, .storeNotTrusted where isWriting:
                dispatcher.storeRefused(store, error)
            case .shuttingDown, .localStorageFailed: break
            default: dispatcher.storeAnsweredAside(store, isWriting: false)
            }
            throw error
        }
    }
}
