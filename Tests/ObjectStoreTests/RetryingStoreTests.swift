import ArtifactModel
import ObjectStore
import Synchronization
import TestSupport
import Testing

@Suite struct RetryingStoreTests {
    /// A retrying store over a fake, with the delays and failures it was seen to take.
    private final class Fixture: Sendable {
        let memory = MemoryStore(integrity: .unverified)
        let delays = Mutex<[UInt64]>([])
        let observed = Mutex<[Int]>([])
        let bounds = Mutex<[UInt64]>([])
        let isStopping = Atomic<Bool>(false)

        /// A session whose random numbers are always the greatest that were asked for.
        func session(_ policy: RetryingStore.Policy = RetryingStore.Policy()) -> any ObjectStoreSession {
            RetryingStore(
                memory, policy: policy,
                random: { range in
                    self.bounds.withLock { $0.append(range.upperBound) }
                    return range.upperBound
                },
                sleep: { nanoseconds in
                    self.delays.withLock { $0.append(nanoseconds) }
                    return !self.isStopping.load(ordering: .relaxed)
                },
                observer: { _, attempt in self.observed.withLock { $0.append(attempt) } }
            ).makeSession()
        }
    }

    private static let outage = ArtifactError(.storeUnavailable, "an outage")
    private static let throttled = ArtifactError(.storeThrottled, "slow down")

    private static func put(_ session: any ObjectStoreSession) throws -> StoredObject {
        let object = ObjectDescription(key: try ObjectKey("key"), contentType: "text/plain", encoding: .identity, metadata: [])
        return try Array("body".utf8).withUnsafeBytes { try session.put(object, body: $0, check: nil) }
    }

    /// Failures that pass are tried again with the same bytes, and each is observed.
    @Test(arguments: [ArtifactError.Code.storeUnavailable, .storeThrottled, .checksumMismatch])
    func passingFailuresAreTriedAgain(_ code: ArtifactError.Code) throws {
        let fixture = Fixture()
        fixture.memory.fail(next: .put, with: ArtifactError(code, "passing"), times: 2)
        _ = try Self.put(fixture.session())
        #expect(fixture.memory.bytes(of: "key") == Array("body".utf8))
        #expect(fixture.memory.calls.count == 3)
        #expect(fixture.observed.withLock { $0 } == [1, 2])
    }

    /// Nothing is tried more often than the policy allows; the last failure is the caller's.
    @Test func attemptsAreBounded() throws {
        let fixture = Fixture()
        fixture.memory.fail(next: .put, with: Self.outage, times: 10)
        #expect(throws: Self.outage) { try Self.put(fixture.session()) }
        #expect(fixture.memory.calls.count == 3)
        #expect(fixture.delays.withLock { $0.count } == 2)
    }

    /// A failure that stays is the caller's at once.
    @Test(arguments: [ArtifactError.Code.storeDenied, .storeRejected, .noSuchBucket, .noSuchUpload, .notFound, .invalidKey])
    func lastingFailuresAreNotTriedAgain(_ code: ArtifactError.Code) throws {
        let fixture = Fixture()
        fixture.memory.fail(next: .put, with: ArtifactError(code, "lasting"))
        #expect(try failure { try Self.put(fixture.session()) }?.code == code)
        #expect(fixture.memory.calls.count == 1)
        #expect(fixture.observed.withLock { $0 } == [])
    }

    /// Delays are drawn from nothing up to a bound that doubles and stops at the cap.
    @Test func delaysGrowToTheCap() throws {
        let fixture = Fixture()
        fixture.memory.fail(next: .put, with: Self.outage, times: 7)
        _ = try Self.put(fixture.session(RetryingStore.Policy(attempts: 8, baseMilliseconds: 100, capMilliseconds: 2_000)))
        #expect(fixture.bounds.withLock { $0 } == [100, 200, 400, 800, 1_600, 2_000, 2_000])
        #expect(fixture.delays.withLock { $0 } == [100, 200, 400, 800, 1_600, 2_000, 2_000].map { $0 * 1_000_000 })
    }

    /// What the store asks for is waited for, if it is no longer than the cap; else the caller parks the job.
    @Test func retryAfterIsHonoured() throws {
        let fixture = Fixture()
        fixture.memory.fail(next: .put, with: ArtifactError(.storeThrottled, "in a second", retryAfterMilliseconds: 1_000))
        _ = try Self.put(fixture.session())
        #expect(fixture.delays.withLock { $0 } == [1_000_000_000])
        fixture.memory.fail(next: .put, with: ArtifactError(.storeThrottled, "in a minute", retryAfterMilliseconds: 60_000))
        #expect(try failure { try Self.put(fixture.session()) }?.message == "in a minute")
        #expect(fixture.delays.withLock { $0.count } == 1)
    }

    /// When the daemon stops, the call ends with the failure it had.
    @Test func stoppingEndsTheWait() throws {
        let fixture = Fixture()
        fixture.isStopping.store(true, ordering: .relaxed)
        fixture.memory.fail(next: .put, with: Self.outage)
        #expect(throws: Self.outage) { try Self.put(fixture.session()) }
        #expect(fixture.memory.calls.count == 1)
    }

    /// Where a lost answer may hide a success, creation and completion are left to the caller.
    @Test func unknownOutcomesAreNotTriedAgain() throws {
        let fixture = Fixture()
        let session = fixture.session()
        let key = try ObjectKey("key")
        let object = ObjectDescription(key: key, contentType: "text/plain", encoding: .identity, metadata: [])
        fixture.memory.fail(next: .createUpload, with: Self.outage, at: .after)
        #expect(throws: Self.outage) { try session.createUpload(object) }
        #expect(fixture.memory.openUploads == 1)

        let upload = try session.createUpload(object)
        let part = PartDescription(key: key, uploadID: upload, number: 1, offset: 0, check: nil)
        let receipt = try [UInt8](repeating: 1, count: 3).withUnsafeBytes { try session.uploadPart(part, body: $0) }
        fixture.memory.fail(next: .completeUpload, with: Self.outage, at: .after)
        #expect(throws: Self.outage) {
            try session.completeUpload(key: key, uploadID: upload, parts: [receipt], check: nil)
        }
        #expect(fixture.memory.calls.filter { $0.operation == .completeUpload }.count == 1)
        // It had succeeded: this is what head is for.
        #expect(try session.head(key)?.size == 3)
    }

    /// A store that refused them unread can be asked again.
    @Test func throttledCreationsAreTriedAgain() throws {
        let fixture = Fixture()
        let session = fixture.session()
        let object = ObjectDescription(key: try ObjectKey("key"), contentType: "text/plain", encoding: .identity, metadata: [])
        fixture.memory.fail(next: .createUpload, with: Self.throttled)
        _ = try session.createUpload(object)
        #expect(fixture.memory.openUploads == 1)
    }

    /// A read is tried again while nothing was delivered, and never afterwards: the receiver would get bytes twice.
    @Test func readsAreTriedAgainUntilTheFirstByte() throws {
        let fixture = Fixture()
        let session = fixture.session()
        let key = try ObjectKey("key")
        _ = try Self.put(session)
        fixture.memory.fail(next: .get, with: Self.outage)
        var received: [UInt8] = []
        try session.get(key) { _, bytes in received += bytes }
        #expect(received == Array("body".utf8))

        let before = fixture.memory.calls.count
        #expect(throws: Self.outage) {
            try session.get(key) { (_, bytes) throws(ArtifactError) in if !bytes.isEmpty { throw Self.outage } }
        }
        #expect(fixture.memory.calls.count == before + 1)
    }
}
