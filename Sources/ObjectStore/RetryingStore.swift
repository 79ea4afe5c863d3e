public import ArtifactModel

/// A store whose calls are tried again, a few times and at once, where that can help and cannot harm.
///
/// What still fails after the last attempt is the caller's to park: an outage is waited for in the journal, not in a thread.
/// - The bytes and the check are sent again as they are.
/// - `createUpload` and `completeUpload` are tried again only when the store refused them unread (`storeThrottled`). After a
///   lost answer the first would leave an orphan, and only `head` can tell how the second ended.
/// - `get` is tried again only as long as nothing was delivered.
public struct RetryingStore: ObjectStore {
    /// How often and how soon.
    public struct Policy: Sendable {
        /// The most attempts of one call, the first included.
        public var attempts: Int
        /// The upper bound of the first delay, in milliseconds; it doubles with each attempt.
        public var baseMilliseconds: UInt64
        /// The longest delay, in milliseconds. A store that asks for a longer one is not tried again.
        public var capMilliseconds: UInt64

        public init(attempts: Int = 3, baseMilliseconds: UInt64 = 100, capMilliseconds: UInt64 = 2_000) {
            self.attempts = attempts
            self.baseMilliseconds = baseMilliseconds
            self.capMilliseconds = capMilliseconds
        }
    }

    /// A number drawn evenly from the range.
    public typealias Random = @Sendable (ClosedRange<UInt64>) -> UInt64
    /// Waits so many nanoseconds; false when the daemon is stopping and the call shall be given up.
    public typealias Sleep = @Sendable (_ nanoseconds: UInt64) -> Bool
    /// Told of each failure that is tried again, with the number of the attempt that failed, from 1.
    public typealias Observer = @Sendable (ArtifactError, _ attempt: Int) -> Void

    private let store: any ObjectStore
    private let retrier: Retrier

    /// The store with retries around it.
    public init(
        _ store: any ObjectStore, policy: Policy = Policy(), random: @escaping Random = { UInt64.random(in: $0) },
        sleep: @escaping Sleep, observer: @escaping Observer = { _, _ in }
    ) {
        self.store = store
        retrier = Retrier(policy: policy, random: random, sleep: sleep, observer: observer)
    }

    public var location: StoreLocation { store.location }
    public var limits: StoreLimits { store.limits }

    public func checkKey(_ key: ObjectKey) throws(ArtifactError) { try store.checkKey(key) }

    public func makeSession(isCut: @escaping @Sendable () -> Bool) -> any ObjectStoreSession {
        RetryingSession(store.makeSession(isCut: isCut), retrier: retrier)
    }
}

private final class RetryingSession: ObjectStoreSession {
    private let session: any ObjectStoreSession
    private let retrier: Retrier

    init(_ session: any ObjectStoreSession, retrier: Retrier) {
        self.session = session
        self.retrier = retrier
    }

    func integrity() throws(ArtifactError) -> Integrity {
        try retrier.run { () throws(ArtifactError) in try session.integrity() }
    }

    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject {
        try retrier.run { () throws(ArtifactError) in try session.put(object, body: body, check: check) }
    }

    func putIfAbsent(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?
    ) throws(ArtifactError) -> StoredObject? {
        try retrier.run { () throws(ArtifactError) in try session.putIfAbsent(object, body: body, check: check) }
    }

    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String {
        try retrier.run(onlyIf: Retrier.wasRefusedUnread) { () throws(ArtifactError) in try session.createUpload(object) }
    }

    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt {
        try retrier.run { () throws(ArtifactError) in try session.uploadPart(part, body: body) }
    }

    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart] {
        try retrier.run { () throws(ArtifactError) in try session.listParts(key: key, uploadID: uploadID) }
    }

    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject {
        try retrier.run(onlyIf: Retrier.wasRefusedUnread) { () throws(ArtifactError) in
            try session.completeUpload(key: key, uploadID: uploadID, parts: parts, check: check)
        }
    }

    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError) {
        try retrier.run { () throws(ArtifactError) in try session.abortUpload(key: key, uploadID: uploadID) }
    }

    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload] {
        try retrier.run { () throws(ArtifactError) in try session.listUploads(key: key) }
    }

    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo? {
        try retrier.run { () throws(ArtifactError) in try session.head(key) }
    }

    func list(prefix: String, after: String?, limit: Int) throws(ArtifactError) -> ListPage {
        try retrier.run { () throws(ArtifactError) in try session.list(prefix: prefix, after: after, limit: limit) }
    }

    func get(
        _ key: ObjectKey, range: Range<UInt64>?, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        var delivered = false
        try retrier.run(onlyIf: { Retrier.isWorthwhile($0) && !delivered }) { () throws(ArtifactError) in
            try session.get(key, range: range) { (info, bytes) throws(ArtifactError) in
                delivered = true
                try receive(info, bytes)
            }
        }
    }

    func delete(_ key: ObjectKey) throws(ArtifactError) {
        try retrier.run { () throws(ArtifactError) in try session.delete(key) }
    }
}

/// The loop around one call.
private struct Retrier: Sendable {
    let policy: RetryingStore.Policy
    let random: RetryingStore.Random
    let sleep: RetryingStore.Sleep
    let observer: RetryingStore.Observer

    /// Whether the same request can succeed within seconds.
    static func isWorthwhile(_ error: ArtifactError) -> Bool {
        switch error.code {
        case .storeUnavailable, .storeThrottled, .checksumMismatch: true
        default: false
        }
    }

    /// Whether the store surely did nothing.
    static func wasRefusedUnread(_ error: ArtifactError) -> Bool { error.code == .storeThrottled }

    func run<Value>(
        onlyIf canRetry: (ArtifactError) -> Bool = isWorthwhile, _ call: () throws(ArtifactError) -> Value
    ) throws(ArtifactError) -> Value {
        var attempt = 1
        while true {
            do {
                return try call()
            } catch {
                guard attempt < policy.attempts, canRetry(error), let delay = delayMilliseconds(after: error, attempt: attempt)
                else { throw error }
                observer(error, attempt)
                guard sleep(delay * 1_000_000) else { throw error }
                attempt += 1
            }
        }
    }

    /// Full jitter: anything from nothing to the doubled bound, so that many workers do not come back together. Never sooner than
    /// the store asked; nil when it asked for more than the cap.
    private func delayMilliseconds(after error: ArtifactError, attempt: Int) -> UInt64? {
        let asked = error.retryAfterMilliseconds ?? 0
        guard asked <= policy.capMilliseconds else { return nil }
        let doubled = policy.baseMilliseconds.multipliedReportingOverflow(by: 1 << UInt64(min(attempt - 1, 62)))
        let bound = doubled.overflow ? policy.capMilliseconds : min(doubled.partialValue, policy.capMilliseconds)
        return max(asked, random(0...bound))
    }
}
