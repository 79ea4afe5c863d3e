import ArtifactModel
import ObjectStore
import Synchronization
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct UploadFaultTests {
    private static let unavailable = ArtifactError(.storeUnavailable, "scripted: no route to host")
    private static let large = SeededBytes.make(seed: 11, count: (10 << 20) + 5)

    /// A call that fails once, before or after it took effect, delays the job and leaves one whole object and no upload.
    @Test(
        arguments: [
            MemoryStore.Operation.integrity, .put, .createUpload, .uploadPart, .completeUpload, .head, .abortUpload, .listUploads,
            .listParts,
        ], [MemoryStore.Moment.before, .after])
    func aFaultDelays(operation: MemoryStore.Operation, moment: MemoryStore.Moment) throws {
        let rig = try Rig()
        rig.store.fail(next: operation, with: Self.unavailable, at: moment)
        if [.listUploads, .listParts, .head, .abortUpload].contains(operation) {
            // These are asked only when something went wrong before.
            rig.store.fail(next: .createUpload, with: Self.unavailable, at: .after)
            rig.store.fail(next: .uploadPart, with: Self.unavailable)
        }
        let small = try rig.put([1, 2, 3], to: "small")
        let large = try rig.put(file: try rig.file(Self.large), to: "large")
        #expect(try rig.end(of: small).state == .stored)
        #expect(try rig.end(of: large).state == .stored)
        #expect(rig.store.bytes(of: "small") == [1, 2, 3])
        #expect(rig.store.bytes(of: "large") == Self.large)
        #expect(try rig.finish() == [])
    }

    /// A part that fails is sent again, and no other.
    @Test func onlyTheFailedPartIsSentAgain() throws {
        let rig = try Rig { $0.workers = 1 }
        rig.store.fail(next: .uploadPart, with: Self.unavailable)
        let id = try rig.put(file: try rig.file(Self.large), to: "large")
        #expect(try rig.end(of: id).state == .stored)
        #expect(rig.store.calls.compactMap(\.part) == [1, 1, 2, 3])
        #expect(rig.store.bytes(of: "large") == Self.large)
        #expect(try rig.finish() == [])
    }

    /// An object whose completion was answered by silence is found, and not sent again.
    @Test func anUnknownOutcomeIsLookedUp() throws {
        let rig = try Rig()
        rig.store.fail(next: .completeUpload, with: Self.unavailable, at: .after)
        let id = try rig.put(file: try rig.file(Self.large), to: "large")
        let record = try rig.end(of: id)
        #expect(record.state == .stored)
        #expect(record.checksum != nil)
        #expect(rig.store.bytes(of: "large") == Self.large)
        let calls = rig.store.calls.map(\.operation)
        #expect(calls.filter { $0 == .createUpload }.count == 1)
        #expect(calls.filter { $0 == .uploadPart }.count == 3)
        #expect(calls.filter { $0 == .completeUpload }.count == 1)
        #expect(try rig.finish() == [])
    }

    /// An object that is there under our job's name and is not what was sent does not count as stored: it is sent again.
    @Test func aCorruptObjectIsNotTakenForStored() throws {
        let rig = try Rig()
        let store = rig.store
        store.fail(next: .completeUpload, with: ArtifactError(.checksumMismatch, "scripted: not what was sent"), at: .after)
        let id = try rig.put(file: try rig.file(Self.large), to: "large")
        #expect(try rig.end(of: id).state == .stored)
        #expect(store.bytes(of: "large") == Self.large)
        #expect(store.calls.filter { $0.operation == .completeUpload }.count == 2)
        #expect(try rig.finish() == [])
    }

    /// The same after a restart's worth of forgetting: a wrong size is not taken for stored either.
    @Test func aTruncatedObjectIsNotTakenForStored() throws {
        let rig = try Rig()
        let store = rig.store
        // The store keeps the hook: it must not keep the store.
        store.setHook { [weak store] call throws(ArtifactError) in
            if call.operation == .head, call.key == "large" { store?.tamper(with: "large") { $0.removeLast(1000) } }
        }
        store.fail(next: .completeUpload, with: Self.unavailable, at: .after)
        let id = try rig.put(file: try rig.file(Self.large), to: "large")
        #expect(try rig.end(of: id).state == .stored)
        #expect(store.bytes(of: "large") == Self.large)
        #expect(try rig.finish() == [])
    }

    /// A refusal for good quarantines the job with its reason; the others run, and a retry stores it.
    @Test func aRefusalQuarantines() throws {
        let rig = try Rig()
        rig.store.fail(next: .put, with: ArtifactError(.storeDenied, "scripted: access denied"))
        let refused = try rig.put([1], to: "a")
        let record = try rig.end(of: refused)
        #expect(record.state == .failed)
        #expect(record.error?.code == .storeDenied)
        let other = try rig.put([2], to: "b")
        #expect(try rig.end(of: other).state == .stored)
        #expect(try rig.journal.apply(.retried(record.sequence, at: 0)))
        rig.dispatcher.retried(try #require(try rig.journal.pendingJob(record.sequence)))
        #expect(try rig.end(of: refused).state == .stored)
        #expect(rig.store.bytes(of: "a") == [1])
        #expect(try rig.finish() == [])
    }

    /// A refusal of a part aborts the upload of a large file.
    @Test func aRefusedPartLeavesNoUpload() throws {
        let rig = try Rig()
        rig.store.fail(next: .uploadPart, with: ArtifactError(.storeRejected, "scripted: invalid"))
        let id = try rig.put(file: try rig.file(Self.large), to: "large")
        #expect(try rig.end(of: id).state == .failed)
        #expect(try rig.finish() == [])
    }

    /// An upload that the store has forgotten begins afresh, by itself.
    @Test(arguments: [MemoryStore.Operation.uploadPart, .completeUpload])
    func aForgottenUploadBeginsAfresh(operation: MemoryStore.Operation) throws {
        let rig = try Rig()
        rig.store.fail(next: operation, with: ArtifactError(.noSuchUpload, "scripted: no such upload"), times: 2)
        let id = try rig.put(file: try rig.file(Self.large), to: "large")
        #expect(try rig.end(of: id).state == .stored)
        #expect(rig.store.bytes(of: "large") == Self.large)
        #expect(try rig.finish() == [])
    }

    /// A part that arrived as something else is sent again.
    @Test func aMismatchIsSentAgain() throws {
        let rig = try Rig()
        rig.store.fail(next: .uploadPart, with: ArtifactError(.checksumMismatch, "scripted: bad digest"), times: 2)
        rig.store.fail(next: .put, with: ArtifactError(.checksumMismatch, "scripted: bad digest"))
        let large = try rig.put(file: try rig.file(Self.large), to: "large")
        let small = try rig.put([5], to: "small")
        #expect(try rig.end(of: large).state == .stored)
        #expect(try rig.end(of: small).state == .stored)
        #expect(rig.store.bytes(of: "large") == Self.large)
        #expect(try rig.finish() == [])
    }

    /// A store that keeps getting something else is not asked for ever: the job fails with the reason.
    @Test func aStandingMismatchFails() throws {
        let rig = try Rig()
        rig.store.fail(next: .put, with: ArtifactError(.checksumMismatch, "scripted: bad digest"), times: 50)
        let id = try rig.put([5], to: "small")
        let record = try rig.end(of: id)
        #expect(record.state == .failed)
        #expect(record.error?.code == .checksumMismatch)
        #expect(try rig.finish() == [])
    }

    /// During an outage the store is asked now and then by one, not by all; when it is over everything is stored.
    @Test func anOutageIsWaitedFor() throws {
        let rig = try Rig()
        let outage = Outage()
        rig.store.setHook { _ throws(ArtifactError) in try outage.strike() }
        var ids: [JobID] = []
        for number in 0..<200 { ids.append(try rig.put([UInt8(number)], to: "o\(number)")) }
        try rig.log.wait("failures") { outage.count >= 30 }
        #expect(rig.dispatcher.snapshot { $0.health[0].trouble?.error.code } == .storeUnavailable)
        outage.end()
        for (number, id) in ids.enumerated() {
            #expect(try rig.end(of: id).state == .stored)
            #expect(rig.store.bytes(of: "o\(number)") == [UInt8(number)])
        }
        #expect(rig.dispatcher.snapshot { $0.health[0].trouble?.error.code } == nil)
        #expect(try rig.finish() == [])
    }

    /// A store that asks for fewer requests gets fewer, and everything in the end.
    @Test func throttlingHalvesTheWorkers() throws {
        let rig = try Rig(cores: 8) { $0.workers = 8 }
        let before = rig.dispatcher.snapshot { $0.concurrency.current }
        rig.store.fail(next: .put, with: ArtifactError(.storeThrottled, "scripted: slow down"), times: 3)
        var ids: [JobID] = []
        for number in 0..<20 { ids.append(try rig.put([1], to: "o\(number)")) }
        for id in ids { #expect(try rig.end(of: id).state == .stored) }
        #expect(rig.dispatcher.snapshot { $0.concurrency.current } < before)
        #expect(try rig.finish() == [])
    }
}

/// A store's outage, with an end.
private final class Outage: Sendable {
    private let state = Mutex((isOver: false, count: 0))

    var count: Int { state.withLock { $0.count } }

    func end() { state.withLock { $0.isOver = true } }

    func strike() throws(ArtifactError) {
        let isOver = state.withLock { state in
            if !state.isOver { state.count += 1 }
            return state.isOver
        }
        if !isOver { throw ArtifactError(.storeUnavailable, "scripted: outage") }
    }
}
