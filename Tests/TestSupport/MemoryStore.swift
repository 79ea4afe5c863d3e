public import ArtifactModel
import Glibc
public import ObjectStore
import Synchronization

/// A store in memory that keeps the contract to the letter, stricter than a lenient server: the fake for tests of what lies above.
///
/// It refuses parts that are too small, drops parts that are not listed on completion, and verifies every check. Tests script its
/// failures with `fail(next:with:)` and watch or block calls with `setHook`.
public final class MemoryStore: ObjectStore {
    /// A call of the contract.
    public enum Operation: String, Sendable, CaseIterable {
        case integrity, put, putIfAbsent, createUpload, uploadPart, listParts, completeUpload, abortUpload, listUploads, head,
            list, get,
            delete
    }

    /// One call that a session received.
    public struct Call: Sendable, Equatable {
        public var operation: Operation
        /// The key, or the prefix of a listing; empty for `integrity`.
        public var key: String
        /// The part's number; nil for anything but `uploadPart`.
        public var part: Int?
    }

    /// When a scripted failure strikes.
    public enum Moment: Sendable {
        /// The store refuses and does nothing.
        case before
        /// The store does its work and the answer is lost.
        case after
    }

    public let location: StoreLocation
    public let limits: StoreLimits
    let integrity: Integrity
    let state = Mutex(State())

    /// An empty store.
    /// - Parameter limits: those of S3 unless said otherwise; a small `minimumPartSize` keeps tests of multipart uploads quick.
    public init(
        location: StoreLocation = .s3(bucket: "memory", prefix: ""), limits: StoreLimits = .s3, integrity: Integrity = .crc32c
    ) {
        self.location = location
        self.limits = limits
        self.integrity = integrity
    }

    public func makeSession(isCut: @escaping @Sendable () -> Bool) -> any ObjectStoreSession { MemorySession(self) }

    public func checkKey(_ key: ObjectKey) throws(ArtifactError) {
        guard case .s3(_, let prefix) = location else { return }
        _ = try ObjectKey(key.text, belowPrefix: prefix)
    }

    /// Lets the next calls of an operation fail.
    /// - Parameter times: how many calls; scripted failures of one operation strike in the order in which they were given.
    public func fail(next operation: Operation, with error: ArtifactError, at moment: Moment = .before, times: Int = 1) {
        state.withLock {
            $0.faults[operation, default: []] += Array(repeating: Fault(error: error, moment: moment), count: times)
        }
    }

    /// Calls `hook` before each operation, on the thread of the call; nil ends that. What it throws is the call's failure.
    public func setHook(_ hook: (@Sendable (Call) throws(ArtifactError) -> Void)?) {
        state.withLock { $0.hook = hook }
    }

    /// Every call so far, in order, refused ones included.
    public var calls: [Call] { state.withLock { $0.calls } }

    /// How many bytes of objects were read so far.
    public var bytesRead: Int { state.withLock { $0.bytesRead } }

    /// The object's bytes as they lie in the store; nil when there is none.
    public func bytes(of key: String) -> [UInt8]? { state.withLock { $0.objects[Array(key.utf8)]?.bytes } }

    /// Changes an object behind everybody's back, as a broken disk would.
    public func tamper(with key: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard var object = state.objects[Array(key.utf8)] else { return }
            change(&object.bytes)
            state.objects[Array(key.utf8)] = object
        }
    }

    /// How many multipart uploads are open: none may be left over at the end of a test.
    public var openUploads: Int { state.withLock { $0.uploads.count } }
}

extension MemoryStore {
    /// Keys are compared by their bytes: `String` would take two spellings of one accented letter for the same.
    typealias Key = [UInt8]

    struct State {
        var objects: [Key: Object] = [:]
        var uploads: [String: Upload] = [:]
        var faults: [Operation: [Fault]] = [:]
        var hook: (@Sendable (Call) throws(ArtifactError) -> Void)?
        var calls: [Call] = []
        var bytesRead = 0
        var lastStamp = 0

        /// A number that was never given before.
        mutating func stamp() -> Int {
            lastStamp += 1
            return lastStamp
        }
    }

    struct Fault {
        var error: ArtifactError
        var moment: Moment
    }

    struct Object {
        var description: ObjectDescription
        var bytes: [UInt8]
        var etag: String
        var check: CRC?
        var modifiedAt: Int64

        var info: ObjectInfo {
            ObjectInfo(
                size: UInt64(bytes.count), etag: etag, contentType: description.contentType, encoding: description.encoding,
                metadata: Dictionary(description.metadata.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
                checksum: checksum, modifiedAt: modifiedAt)
        }

        var checksum: String? { check.map { "\($0.algorithm):\($0.base64)" } }
    }

    struct Upload {
        var description: ObjectDescription
        var initiatedAt: Int64
        var parts: [Int: Part] = [:]
    }

    struct Part {
        var bytes: [UInt8]
        var etag: String
    }
}

private final class MemorySession: ObjectStoreSession {
    private let store: MemoryStore

    init(_ store: MemoryStore) { self.store = store }

    func integrity() throws(ArtifactError) -> Integrity {
        try perform(.integrity, "") { (_) throws(ArtifactError) in store.integrity }
    }

    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject {
        try perform(.put, object.key.text) { (state) throws(ArtifactError) in
            try put(object, body, check, into: &state)
        }
    }

    func putIfAbsent(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?
    ) throws(ArtifactError) -> StoredObject? {
        try object.requirePlain()
        return try perform(.putIfAbsent, object.key.text) { (state) throws(ArtifactError) in
            guard state.objects[Array(object.key.text.utf8)] == nil else { return nil }
            return try put(object, body, check, into: &state)
        }
    }

    private func put(
        _ object: ObjectDescription, _ body: UnsafeRawBufferPointer, _ check: CRC?, into state: inout MemoryStore.State
    ) throws(ArtifactError) -> StoredObject {
        try requireSize(of: body)
        try requireMetadata(object)
        try verify(check, of: Array(body), what: "object '\(object.key)'")
        return insert(object, Array(body), check, into: &state)
    }

    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String {
        try perform(.createUpload, object.key.text) { (state) throws(ArtifactError) in
            try requireMetadata(object)
            let id = "upload-\(state.stamp())"
            state.uploads[id] = MemoryStore.Upload(description: object, initiatedAt: now())
            return id
        }
    }

    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt {
        try perform(.uploadPart, part.key.text, part: part.number) { (state) throws(ArtifactError) in
            guard (1...store.limits.maximumParts).contains(part.number) else {
                throw ArtifactError(.storeRejected, "part \(part.number) is not within 1...\(store.limits.maximumParts)")
            }
            try requireSize(of: body)
            _ = try upload(part.uploadID, of: part.key, in: state)
            try verify(part.check, of: Array(body), what: "part \(part.number) of '\(part.key)'")
            let etag = "\"part-\(state.stamp())\""
            state.uploads[part.uploadID]?.parts[part.number] = MemoryStore.Part(bytes: Array(body), etag: etag)
            return PartReceipt(number: part.number, size: UInt64(body.count), etag: etag, check: part.check)
        }
    }

    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart] {
        try perform(.listParts, key.text) { (state) throws(ArtifactError) in
            try upload(uploadID, of: key, in: state).parts
                .sorted { $0.key < $1.key }
                .map { ListedPart(number: $0.key, size: UInt64($0.value.bytes.count), etag: $0.value.etag) }
        }
    }

    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject {
        try perform(.completeUpload, key.text) { (state) throws(ArtifactError) in
            let upload = try upload(uploadID, of: key, in: state)
            guard !parts.isEmpty, parts.map(\.number) == Array(1...parts.count) else {
                throw ArtifactError(.storeRejected, "'\(key)': the parts are not numbered from 1 without a gap")
            }
            var bytes: [UInt8] = []
            for receipt in parts {
                guard let held = upload.parts[receipt.number], held.etag == receipt.etag, held.bytes.count == receipt.size else {
                    throw ArtifactError(.checksumMismatch, "'\(key)': part \(receipt.number) is not what was uploaded")
                }
                guard held.bytes.count >= store.limits.minimumPartSize || receipt.number == parts.count else {
                    throw ArtifactError(.storeRejected, "'\(key)': part \(receipt.number) is too small")
                }
                bytes += held.bytes
            }
            try verify(check, of: bytes, what: "object '\(key)'")
            state.uploads[uploadID] = nil
            return insert(upload.description, bytes, check, into: &state)
        }
    }

    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError) {
        try perform(.abortUpload, key.text) { (state) throws(ArtifactError) in
            if isUpload(uploadID, of: key, in: state) { state.uploads[uploadID] = nil }
        }
    }

    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload] {
        try perform(.listUploads, key.text) { (state) throws(ArtifactError) in
            state.uploads.filter { isUpload($0.key, of: key, in: state) }
                .map { ListedUpload(id: $0.key, initiatedAt: $0.value.initiatedAt) }
                .sorted { $0.id < $1.id }
        }
    }

    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo? {
        try perform(.head, key.text) { (state) throws(ArtifactError) in state.objects[Array(key.text.utf8)]?.info }
    }

    func list(prefix: String, after: String?, limit: Int) throws(ArtifactError) -> ListPage {
        try perform(.list, prefix) { (state) throws(ArtifactError) in
            let after = after.map { Array($0.utf8) } ?? []
            let following = state.objects
                .filter { $0.key.starts(with: prefix.utf8) && after.lexicographicallyPrecedes($0.key) }
                .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            let entries = following.prefix(min(limit, 1_000)).map { key, object in
                ListPage.Entry(
                    key: String(decoding: key, as: UTF8.self), size: UInt64(object.bytes.count), modifiedAt: object.modifiedAt,
                    etag: object.etag)
            }
            return ListPage(entries: entries, next: entries.count < following.count ? entries.last?.key : nil)
        }
    }

    func get(
        _ key: ObjectKey, range: Range<UInt64>?, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        let object = try perform(.get, key.text) { (state) throws(ArtifactError) in
            guard let object = state.objects[Array(key.text.utf8)] else {
                throw ArtifactError(.notFound, "there is no object '\(key)'")
            }
            return object
        }
        try receive(object.info, UnsafeRawBufferPointer(start: nil, count: 0))
        let run = 64 << 10
        let wanted = (range ?? 0..<UInt64(object.bytes.count)).clamped(to: 0..<UInt64(object.bytes.count))
        for start in stride(from: Int(wanted.lowerBound), to: Int(wanted.upperBound), by: run) {
            let bytes = Array(object.bytes[start..<min(start + run, Int(wanted.upperBound))])
            store.state.withLock { $0.bytesRead += bytes.count }
            let outcome = bytes.withUnsafeBytes { buffer -> Result<Void, ArtifactError> in
                Result { () throws(ArtifactError) in try receive(object.info, buffer) }
            }
            try outcome.get()
        }
    }

    func delete(_ key: ObjectKey) throws(ArtifactError) {
        try perform(.delete, key.text) { (state) throws(ArtifactError) in state.objects[Array(key.text.utf8)] = nil }
    }

    /// Runs one operation: logs it, asks the hook, and lets scripted failures strike.
    private func perform<Value>(
        _ operation: MemoryStore.Operation, _ key: String, part: Int? = nil,
        _ work: (inout MemoryStore.State) throws(ArtifactError) -> Value
    ) throws(ArtifactError) -> Value {
        let call = MemoryStore.Call(operation: operation, key: key, part: part)
        let hook = store.state.withLock { state in
            state.calls.append(call)
            return state.hook
        }
        try hook?(call)
        return try store.state.withLock { (state) throws(ArtifactError) -> Value in
            guard let fault = state.faults[operation]?.first else { return try work(&state) }
            state.faults[operation]?.removeFirst()
            if fault.moment == .after { _ = try work(&state) }
            throw fault.error
        }
    }

    private func isUpload(_ id: String, of key: ObjectKey, in state: MemoryStore.State) -> Bool {
        state.uploads[id].map { $0.description.key.text.utf8.elementsEqual(key.text.utf8) } ?? false
    }

    private func upload(_ id: String, of key: ObjectKey, in state: MemoryStore.State) throws(ArtifactError) -> MemoryStore.Upload
    {
        guard isUpload(id, of: key, in: state), let upload = state.uploads[id] else {
            throw ArtifactError(.noSuchUpload, "there is no upload '\(id)' of '\(key)'")
        }
        return upload
    }

    private func requireSize(of body: UnsafeRawBufferPointer) throws(ArtifactError) {
        guard body.count <= store.limits.maximumPartSize else {
            throw ArtifactError(.storeRejected, "\(body.count) bytes are more than \(store.limits.maximumPartSize)")
        }
    }

    private func requireMetadata(_ object: ObjectDescription) throws(ArtifactError) {
        let size = object.metadata.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard size <= 2048 else { throw ArtifactError(.storeRejected, "'\(object.key)': \(size) bytes of metadata are too many") }
    }

    private func verify(_ check: CRC?, of bytes: [UInt8], what: String) throws(ArtifactError) {
        guard let check else {
            guard store.integrity.crc == nil else {
                throw ArtifactError(.invalidRequest, "\(what) came without the \(store.integrity) check that integrity() names")
            }
            return
        }
        let found = TableCRC.check(check.algorithm, of: bytes)
        guard check == found else {
            throw ArtifactError(.checksumMismatch, "\(what): the check is \(check.base64) but the bytes give \(found.base64)")
        }
    }

    private func insert(
        _ object: ObjectDescription, _ bytes: [UInt8], _ check: CRC?, into state: inout MemoryStore.State
    ) -> StoredObject {
        let stored = MemoryStore.Object(
            description: object, bytes: bytes, etag: "\"object-\(state.stamp())\"", check: check, modifiedAt: now())
        state.objects[Array(object.key.text.utf8)] = stored
        return StoredObject(etag: stored.etag, checksum: stored.checksum)
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
