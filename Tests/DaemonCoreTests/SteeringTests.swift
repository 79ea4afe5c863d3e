import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import ObjectStore
import Synchronization
import TestSupport
import Testing
import WorkerPool

@testable import DaemonCore

@Suite struct SteeringTests {
    private static let large = SeededBytes.make(seed: 41, count: 16 << 20)

    /// Cancelling a job that waits, runs, failed or is stored ends in the state that the answer says, and holds nothing.
    @Test func cancelAnswersWithTheState() throws {
        let rig = try Rig()
        let gate = rig.makeGate()
        rig.store.setHook { if $0.key == "busy" || $0.key == "large" && $0.operation == .uploadPart { gate.pass() } }
        let busy = try rig.put([1], to: "busy")
        let behind = try rig.put([2], to: "busy")
        let large = try rig.put(file: try rig.file(Self.large), to: "large")
        try gate.waitForArrivals(2)
        #expect(try rig.cancel(behind).wait().get() == .cancelled)
        let running = rig.cancel(large)
        let small = rig.cancel(busy)
        #expect(running.count == 0)
        gate.open()
        #expect(try running.wait().get() == .cancelled)
        // What was sent when it was cancelled may have arrived.
        let state = try small.wait().get()
        #expect(state == (try rig.record(of: busy).state))
        #expect(try rig.record(of: large).state == .cancelled)
        #expect(rig.store.bytes(of: "large") == nil)
        let stored = try rig.put([3], to: "s")
        try rig.end(of: stored)
        #expect(try rig.cancel(stored).wait().get() == .stored)
        #expect(try rig.finish() == [])
    }

    /// A job that is cancelled in the moment in which it is put off is cancelled, and the answer says so.
    @Test func cancelMeetsAnOutage() throws {
        let rig = try Rig()
        let answers = Mutex<[Promise<Result<JobState, ArtifactError>>]>([])
        let jobs = Mutex<[JobID]>([])
        rig.log.setHook { line in
            guard line.contains("an upload is put off"), let job = jobs.withLock({ $0.last }) else { return }
            let answer = rig.cancel(job)
            answers.withLock { $0.append(answer) }
        }
        let gate = rig.makeGate()
        rig.store.setHook { call throws(ArtifactError) in
            gate.pass()
            throw ArtifactError(.storeUnavailable, "scripted")
        }
        let job = try rig.put([1], to: "k")
        jobs.withLock { $0.append(job) }
        gate.open()
        #expect(try rig.end(of: job).state == .cancelled)
        let answer = try #require(answers.withLock { $0.first })
        #expect(try answer.wait().get() == .cancelled)
        rig.store.setHook(nil)
        rig.log.setHook { _ in }
        #expect(try rig.finish() == [])
    }

    /// Cancels and retries of the same failed job from many threads leave one truth, and counters that agree with it.
    @Test func cancelAndRetryRace() throws {
        let rig = try Rig()
        for round in 0..<20 {
            rig.store.fail(next: .put, with: ArtifactError(.storeDenied, "scripted"))
            let id = try rig.put([1], to: "k\(round)")
            #expect(try rig.end(of: id).state == .failed)
            try Threads.run(4) { index in
                if index % 2 == 0 {
                    _ = try rig.cancel(id).wait().get()
                } else {
                    _ = try rig.handle(.retry(Retry(ids: [id]))).wait().get()
                }
            }
            let state = try rig.end(of: id).state
            #expect(state == .cancelled || state == .stored)
        }
        #expect(try rig.finish() == [])
    }

    /// Many jobs cancelled by many threads while they wait, run and end: each answer is the job's state, and nothing is left.
    @Test func cancelsRaceWithUploads() throws {
        let rig = try Rig(MemoryStore(integrity: .sha256))
        var ids: [JobID] = []
        let path = try rig.file(Self.large)
        for number in 0..<60 {
            let key = "k\(number % 20)"
            ids.append(number % 6 == 0 ? try rig.put(file: path, to: key) : try rig.put([UInt8(number)], to: key))
        }
        let all = ids
        try Threads.run(4) { index in
            for (number, id) in all.enumerated() where number % 4 == index {
                let state = try rig.cancel(id).wait().get()
                #expect(state == (try rig.record(of: id).state))
            }
        }
        #expect(try rig.finish() == [])
    }

    /// A job asked to be durable and cancelled while it is copied leaves no copy and no bytes of the quota.
    @Test func cancelWhileItIsMadeDurable() throws {
        let rig = try Rig()
        let path = try rig.file(SeededBytes.make(seed: 1, count: 4 << 20))
        for number in 0..<10 {
            let request = Put(destination: "d\(number)", source: .descriptor, label: path, level: .durable)
            let answer = rig.submit(request, SharedDescriptor(try System.open(path, 0)))
            try rig.settleJournal()
            let record = try #require(try rig.journal.records(JobQuery(limit: 100)).last)
            _ = try rig.cancel(record.id).wait().get()
            switch try answer.wait() {
            case .success(let accepted): #expect(accepted.level == .durable)
            case .failure(let error): #expect(error.code == .cancelled)
            }
        }
        #expect(try rig.finish() == [])
        #expect(rig.spool.used == 0)
    }

    /// Without room for a copy a hand-over that asks for DURABLE is refused and leaves no job: as busy where there will be room, as
    /// too large where there never is.
    @Test func noRoomForACopy() throws {
        let rig = try Rig { $0.spoolQuota = 6 << 20 }
        let gate = rig.makeGate()
        rig.store.setHook { _ in gate.pass() }
        let path = try rig.file(SeededBytes.make(seed: 1, count: 4 << 20))
        let first = try rig.put(file: path, to: "first", level: .durable)
        let refusal = failure { _ = try rig.put(file: path, to: "second", level: .durable) }
        #expect(refusal?.code == .busy)
        let larger = try rig.file(SeededBytes.make(seed: 1, count: 7 << 20))
        let final = failure { _ = try rig.put(file: larger, to: "third", level: .durable) }
        #expect(final?.code == .tooLarge && final?.message.contains("spool_quota") == true)
        #expect(rig.spool.used == 4 << 20)
        gate.open()
        #expect(try rig.end(of: first).state == .stored)
        #expect(try rig.finish() == [])
    }

    /// The same request again, with a higher level: answered when that is reached, not when it was asked for.
    @Test func aDuplicateWaitsForItsLevel() throws {
        let rig = try Rig()
        let gate = rig.makeGate()
        rig.store.setHook { if $0.operation == .put { gate.pass() } }
        let request = Put(destination: "k", source: .inline([1, 2]), level: .stored, idempotencyKey: [9])
        let first = rig.submit(request)
        try gate.waitForArrivals()
        let second = rig.submit(request)
        var weaker = request
        weaker.level = .accepted
        let third = try rig.submit(weaker).wait().get()
        #expect(third.isDuplicate)
        #expect(first.count == 0)
        #expect(second.count == 0)
        gate.open()
        #expect(try first.wait().get().id == third.id)
        #expect(try second.wait().get().id == third.id)
        #expect(try second.wait().get().level == .stored)
        let late = try rig.submit(request).wait().get()
        #expect(late.isDuplicate && late.level == .stored)
        var other = request
        other.target = .destination("elsewhere")
        let conflict = failure { _ = try rig.submit(other).wait().get() }
        #expect(conflict?.code == .idempotencyConflict)
        #expect(try rig.finish() == [])
    }

    /// The same request again after its job has failed: not answered as if its bytes were kept, whatever level it asks for.
    @Test func aDuplicateOfAFailedJobIsRefused() throws {
        let rig = try Rig()
        rig.store.fail(next: .put, with: ArtifactError(.storeDenied, "scripted"))
        let request = Put(destination: "k", source: .inline([1, 2]), idempotencyKey: [9])
        let id = try rig.submit(request).wait().get().id
        #expect(try rig.end(of: id).state == .failed)
        let refusal = failure { _ = try rig.submit(request).wait().get() }
        #expect(refusal?.code == .storeDenied)
        #expect(refusal?.message.contains("\(id)") == true)
        #expect(try rig.finish() == [])
    }

    /// A full queue refuses as busy, and takes jobs again when some are done.
    @Test func aFullQueueIsBusy() throws {
        let rig = try Rig { $0.queueJobs = 3 }
        let gate = rig.makeGate()
        rig.store.setHook { _ in gate.pass() }
        var ids: [JobID] = []
        for number in 0..<3 { ids.append(try rig.put([1], to: "k\(number)")) }
        let refusal = failure { _ = try rig.put([1], to: "one more") }
        #expect(refusal?.code == .busy)
        #expect(refusal?.retryAfterMilliseconds != nil)
        gate.open()
        for id in ids { try rig.end(of: id) }
        try rig.end(of: try rig.put([1], to: "one more"))
        #expect(try rig.finish() == [])
    }
}
