import ArtifactModel
import Journal
import Testing

@testable import DaemonCore

@Suite struct WaitersTests {
    private let failed = ArtifactError(.storeDenied, "scripted")

    /// A wait ends when all its jobs have come far enough, and says how many failed and why.
    @Test func allMustCome() throws {
        var waiters = Waiters()
        let promise = Promise<Result<Waiters.Outcome, ArtifactError>>()
        #expect(waiters.add([1, 2, 3], isOpen: false, level: .stored, deadline: nil) { promise.keep($0) }.answer == nil)
        #expect(waiters.finished(1, failure: nil).count == 0)
        #expect(waiters.reached(2, .durable).count == 0)
        #expect(waiters.finished(2, failure: failed).count == 0)
        let answers = waiters.finished(3, failure: nil)
        try #require(answers.count == 1)
        answers[0]()
        #expect(try promise.wait().get() == Waiters.Outcome(pending: 0, failed: 1, error: failed))
        #expect(waiters.finished(3, failure: nil).count == 0)
    }

    /// A wait for DURABLE ends at DURABLE, one for STORED does not.
    @Test func levels() {
        var waiters = Waiters()
        _ = waiters.add([1], isOpen: false, level: .durable, deadline: nil) { _ in }
        _ = waiters.add([1], isOpen: false, level: .stored, deadline: nil) { _ in }
        #expect(waiters.reached(1, .durable).count == 1)
        #expect(waiters.reached(1, .durable).count == 0)
        #expect(waiters.finished(1, failure: nil).count == 1)
    }

    /// A wait for nothing is answered at once; one that is still being looked up waits for that.
    @Test func nothingToWaitFor() throws {
        var waiters = Waiters()
        #expect(waiters.add([], isOpen: false, level: .stored, deadline: nil) { _ in }.answer != nil)
        let (number, answer) = waiters.add([], isOpen: true, level: .stored, deadline: nil) { _ in }
        #expect(answer == nil)
        #expect(waiters.close(number, Waiters.Failures()) != nil)
        #expect(waiters.close(number, Waiters.Failures()) == nil)
    }

    /// A deadline answers with what is still pending, once; the next deadline is the earliest that is left.
    @Test func deadlines() throws {
        var waiters = Waiters()
        let promise = Promise<Result<Waiters.Outcome, ArtifactError>>()
        _ = waiters.add([1, 2], isOpen: false, level: .stored, deadline: 10) { promise.keep($0) }
        _ = waiters.add([1], isOpen: false, level: .stored, deadline: 20) { _ in }
        _ = waiters.finished(2, failure: nil)
        #expect(waiters.nextDeadline == 10)
        #expect(waiters.expired(now: 9).count == 0)
        let answers = waiters.expired(now: 10)
        try #require(answers.count == 1)
        answers[0]()
        #expect(try promise.wait().get().pending == 1)
        #expect(waiters.nextDeadline == 20)
        #expect(waiters.finished(1, failure: nil).count == 1)
        #expect(waiters.nextDeadline == nil)
    }

    /// A wait that was dropped is not answered; dropping tells whether it was answered before.
    @Test func dropping() {
        var waiters = Waiters()
        let (number, _) = waiters.add([1], isOpen: true, level: .stored, deadline: 5) { _ in }
        #expect(waiters.drop(number) == true)
        #expect(waiters.drop(number) == false)
        #expect(waiters.finished(1, failure: nil).count == 0)
        #expect(waiters.expired(now: 100).count == 0)
    }
}

@Suite struct StoreHealthTests {
    private let down = ArtifactError(.storeUnavailable, "scripted")

    /// A store that denies all is in trouble and not paused: whoever asks learns it from the store. What it takes in ends the trouble,
    /// what it lets read does not; an outage that follows is another trouble, and so is a refusal that follows an outage.
    @Test func refusals() {
        let denied = ArtifactError(.storeDenied, "scripted")
        var health = StoreHealth()
        for time in 1...5 as ClosedRange<Int64> {
            health.refused(denied, wallClock: time)
            #expect(health.blocked(now: 0) == nil && health.trouble?.error == denied && health.trouble?.since == 1)
        }
        health.succeededAside(isWriting: false, now: 0)
        #expect(health.trouble?.error == denied)
        for time in 6...8 as ClosedRange<Int64> { health.failed(down, now: 0, wallClock: time) { _ in 100 } }
        #expect(health.trouble?.error == down && health.trouble?.since == 6 && health.blocked(now: 0) == 100)
        health.refused(denied, wallClock: 9)
        #expect(health.trouble?.since == 9 && health.blocked(now: 0) == nil)
        health.succeeded()
        #expect(health.trouble == nil)
    }

    /// Three failures in a row pause the store; then one request alone probes, and its outcome decides.
    @Test func pausesAndProbes() {
        var health = StoreHealth()
        for failure in 1...3 {
            #expect(health.blocked(now: 0) == nil)
            health.failed(down, now: 0, wallClock: Int64(failure)) { _ in 100 }
        }
        #expect(health.trouble?.since == 1)
        #expect(health.blocked(now: 50) == 100)
        #expect(health.blocked(now: 100) == nil)
        health.began()
        #expect(health.blocked(now: 100) == .max)
        health.failed(down, now: 100, wallClock: 4) { failures in UInt64(failures) * 1000 }
        #expect(health.blocked(now: 150) == 1100)
        health.began()
        health.withdrew()
        #expect(health.blocked(now: 1100) == nil)
        health.began()
        health.succeeded()
        #expect(health.blocked(now: 1100) == nil)
        #expect(health.trouble == nil)
    }

    /// A request that is being sent again is told, and no more than that: nothing is paused by it. The outage that may come of it
    /// began with it.
    @Test func stumbles() {
        var health = StoreHealth()
        for time in 1...9 as ClosedRange<Int64> { health.stumbled(down, wallClock: time) }
        #expect(health.trouble?.error == down && health.trouble?.since == 1 && health.blocked(now: 0) == nil)
        health.failed(down, now: 0, wallClock: 10) { _ in 100 }
        #expect(health.trouble?.since == 1 && health.blocked(now: 0) == nil)
        health.succeeded()
        #expect(health.trouble == nil)
    }

    /// A failure now and then is none of the store's.
    @Test func successForgets() {
        var health = StoreHealth()
        for _ in 0..<10 {
            health.failed(down, now: 0, wallClock: 0) { _ in 100 }
            health.failed(down, now: 0, wallClock: 0) { _ in 100 }
            health.succeeded()
        }
        #expect(health.blocked(now: 0) == nil)
    }
}

/// What others than uploads tell of a store.
@Suite struct StoreHealthAsideTests {
    private let down = ArtifactError(.storeUnavailable, "scripted")

    private func failed(_ health: inout StoreHealth, since start: UInt64 = 0, now: UInt64 = 0, isWriting: Bool = true) {
        health.failedAside(down, isWriting: isWriting, since: start, now: now, wallClock: 7) { UInt64($0 + 1) * 100 }
    }

    /// Their failures alone pause a store and tell of its trouble; only one that was asked after a pause makes it longer, once.
    @Test func failuresCount() {
        var health = StoreHealth()
        for _ in 1...3 {
            #expect(health.blocked(now: 0) == nil)
            failed(&health)
            #expect(health.trouble?.since == 7)
        }
        #expect(health.blocked(now: 0) == 100)
        // Asked before the pause, or in it.
        failed(&health, since: 0, now: 90)
        failed(&health, since: 99, now: 500)
        #expect(health.blocked(now: 99) == 100 && health.blocked(now: 100) == nil)
        // Several that were asked together when it was over.
        for _ in 1...4 { failed(&health, since: 200, now: 500) }
        #expect(health.blocked(now: 500) == 700)
    }

    /// An upload that probes is alone, whatever others see meanwhile.
    @Test func aProbeIsNotStolen() {
        var health = StoreHealth()
        for _ in 1...3 { health.failed(down, now: 0, wallClock: 0) { _ in 100 } }
        health.began()
        failed(&health, since: 150, now: 160)
        #expect(health.blocked(now: 160) == .max)
        health.succeededAside(isWriting: false, now: 160)
        #expect(health.blocked(now: 160) == .max)
        health.failed(down, now: 170, wallClock: 0) { _ in 30 }
        #expect(health.blocked(now: 170) == 200)
    }

    /// What was written proves that the store is well. What was read does where reading failed; where writing fails, it only lets one
    /// upload try.
    @Test func whatProvesHealth() {
        var health = StoreHealth()
        for _ in 1...3 { failed(&health, isWriting: false) }
        health.succeededAside(isWriting: false, now: 10)
        #expect(health.trouble == nil && health.blocked(now: 10) == nil)
        for _ in 1...3 { failed(&health) }
        health.succeededAside(isWriting: false, now: 10)
        #expect(health.trouble != nil && health.blocked(now: 10) == nil)
        health.began()
        #expect(health.blocked(now: 10) == .max)
        health.succeededAside(isWriting: true, now: 10)
        #expect(health.trouble == nil && health.blocked(now: 10) == nil)
    }
}

@Suite struct ThroughputMeterTests {
    private let second: UInt64 = 1_000_000_000

    /// The rate is that of the last ten seconds, and falls to nothing when nothing comes.
    @Test func rates() {
        var meter = ThroughputMeter()
        #expect(meter.rate(now: 0) == 0)
        for tick in 0..<100 { meter.add(50, now: UInt64(tick) * second / 2) }
        let rate = meter.rate(now: 50 * second)
        #expect((90...110).contains(rate), "\(rate)")
        #expect(meter.rate(now: 70 * second) == 0)
    }
}

@Suite struct JobCountersTests {
    private func count(_ jobs: UInt64, _ bytes: UInt64) -> StateCounters.Count { StateCounters.Count(jobs: jobs, bytes: bytes) }

    /// Jobs move from state to state with their bytes, of all tenants together and of each.
    @Test func counting() {
        var counters = JobCounters(atStart: [])
        counters.add(.accepted, bytes: 10, of: "a")
        counters.add(.accepted, bytes: 5, of: "b")
        counters.move(from: .accepted, to: .uploading, bytes: 10, of: "a")
        counters.resize(.uploading, from: 10, to: 3, of: "a")
        #expect(counters[.accepted] == count(1, 5) && counters[.uploading] == count(1, 3))
        #expect(counters.tenants["a"]?[.uploading] == count(1, 3) && counters.tenants["a"]?[.accepted] == count(0, 0))
        counters.move(from: .accepted, to: .accepted, bytes: 5, of: "b")
        #expect(counters.tenants["b"]?[.accepted] == count(1, 5))
    }

    /// At a start nothing is being uploaded yet.
    @Test func start() {
        let counters = JobCounters(atStart: [
            JobCount(tenant: "a", state: .uploading, jobs: 1, bytes: 10),
            JobCount(tenant: "a", state: .accepted, jobs: 1, bytes: 5),
            JobCount(tenant: "b", state: .stored, jobs: 4, bytes: 4),
        ])
        #expect(counters[.accepted] == count(2, 15) && counters[.uploading] == count(0, 0) && counters[.stored] == count(4, 4))
        #expect(counters.tenants["a"]?[.accepted] == count(2, 15) && counters.tenants["b"]?[.stored] == count(4, 4))
    }

    /// What the journal has forgotten is not counted any more; a tenant of whom nothing is left is forgotten, too.
    @Test func recounting() {
        var counters = JobCounters(atStart: [
            JobCount(tenant: "a", state: .stored, jobs: 9, bytes: 9), JobCount(tenant: "a", state: .accepted, jobs: 1, bytes: 5),
            JobCount(tenant: "b", state: .cancelled, jobs: 4, bytes: 4),
        ])
        counters.recount([JobCount(tenant: "a", state: .stored, jobs: 2, bytes: 2)])
        #expect(counters[.stored] == count(2, 2) && counters[.cancelled] == count(0, 0) && counters[.accepted] == count(1, 5))
        #expect(counters.tenants["a"]?[.stored] == count(2, 2) && counters.tenants["b"] == nil)
    }
}
