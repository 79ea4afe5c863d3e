import ArtifactModel
import ArtifactWire
import Journal
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

/// What several daemons on one store make of each other.
@Suite struct RegistrarTests {
    private func stopWriting(_ rig: Rig) throws { try rig.log.wait("the runs are written") { try rig.hasWrittenRuns() } }

    /// A run that was ended in the store already is not ended otherwise: the daemon that comes second takes over how it ended.
    @Test func theFirstEndHolds() throws {
        let store = MemoryStore()
        let (here, there) = (try Rig(store), try Rig(store))
        let run = try here.startRun(id: "r")
        try stopWriting(here)
        try there.end(try there.run("r"), as: .killed)
        try stopWriting(there)
        #expect(try here.end(run, as: .finished).status == .finished)
        try stopWriting(here)
        #expect(try store.document("runs/r.json")["status"] as? String == "killed")
        let ended = try #require(try there.journal.run("r"))
        #expect(try here.journal.run("r") == ended)
        #expect(try here.commitWaited(run).isCommitted)
        for rig in [here, there] { #expect(try rig.finish() == []) }
    }

    /// Of two that ended a run at the same moment the one whose end was overwritten learns that when it is asked, also where it could
    /// not look before.
    @Test func aRaceConverges() throws {
        let rig = try Rig()
        let run = try rig.startRun(id: "r")
        var ended = try rig.end(run, as: .finished)
        #expect(try rig.commitWaited(run).isCommitted)
        ended.status = .failed
        ended.endedAt = 17
        let text = String(decoding: try RegistryStore.encode(RunDocument(ended)), as: UTF8.self)
        try rig.store.plant(text, at: "runs/r.json")
        rig.store.fail(next: .get, with: ArtifactError(.storeUnavailable, "scripted"))
        #expect(try rig.run("r").status == .finished)
        #expect(try rig.run("r").status == .failed)
        #expect(try rig.journal.run("r")?.endedAt == 17)
        #expect(try rig.finish() == [])
    }

    /// An end that is not written yet is not given up for one that is in the store, until that is looked at by who is to write it.
    @Test func anUnwrittenEndIsKept() throws {
        let rig = try Rig()
        let run = try rig.startRun(id: "r")
        try stopWriting(rig)
        let gate = rig.makeGate()
        let once = Once()
        rig.store.setHook { call throws(ArtifactError) in
            if call.operation == .put, call.key == "runs/r.json" { try once.run { gate.pass() } }
        }
        var ended = try rig.end(run, as: .finished)
        try gate.waitForArrivals()
        ended.status = .failed
        try rig.store.plant(String(decoding: try RegistryStore.encode(RunDocument(ended)), as: UTF8.self), at: "runs/r.json")
        #expect(try rig.run("r").status == .finished)
        gate.open()
        try stopWriting(rig)
        // It was read as running, so ours was written over the other: the last one is what all learn.
        #expect(try rig.run("r").status == .finished)
        #expect(try rig.store.document("runs/r.json")["status"] as? String == "finished")
        #expect(try rig.finish() == [])
    }

    /// A run that is started tells its node that the experiment was archived elsewhere: the next one is refused. The state is read once
    /// for all runs that are written together.
    @Test func anArchivedExperimentIsNoticed() throws {
        let store = MemoryStore()
        let (here, there) = (try Rig(store), try Rig(store))
        let down = ArtifactError(.storeUnavailable, "scripted")
        store.setHook { _ throws(ArtifactError) in throw down }
        var runs: [Run] = []
        for _ in 0..<5 { runs.append(try here.startRun()) }
        store.setHook(nil)
        try stopWriting(here)
        let state = "experiments/\(runs[0].experimentID)/state.json"
        try here.log.wait("the state was read") { store.calls.contains { $0.key == state } }
        #expect(store.calls.filter { $0.key == state }.count == 1)
        let archive = UpdateExperiment(id: runs[0].experimentID, stage: .deleted)
        _ = try there.answer(.updateExperiment(archive))
        try there.log.wait("the state is written") { try there.journal.statesToWrite(limit: 1).isEmpty }
        _ = try here.startRun()
        try here.log.wait("the state is learnt") { try here.journal.experiment(id: runs[0].experimentID)?.stage == .deleted }
        #expect(failure { _ = try here.startRun() }?.code == .conflict)
        // Before it is refused once more it is looked whether it was restored meanwhile.
        _ = try there.answer(.updateExperiment(UpdateExperiment(id: runs[0].experimentID, stage: .active)))
        try there.log.wait("the state is written") { try there.journal.statesToWrite(limit: 1).isEmpty }
        #expect(try here.startRun().status == .running)
        for rig in [here, there] { #expect(try rig.finish() == []) }
    }

    /// However much fails, what comes behind it in the journal has its turn: of experiments, states, runs and commits.
    @Test func nothingStarves() throws {
        let rig = try Rig(page: 2)
        let good = try ExperimentID.of(tenant: "default", name: "last")
        rig.store.setHook { call throws(ArtifactError) in
            if call.key.contains("experiments/"), !call.key.contains(good) { throw ArtifactError(.storeRejected, "scripted") }
            if call.key.contains("runs/bad") { throw ArtifactError(.storeRejected, "scripted") }
        }
        for number in 0..<5 { _ = try rig.startRun("first\(number)") }
        var bad: [Run] = []
        for number in 0..<5 {
            bad.append(try rig.startRun("last", id: "bad\(number)"))
            try rig.end(bad[number])
        }
        let run = try rig.startRun("last", id: "good")
        _ = try rig.answer(.updateExperiment(UpdateExperiment(id: good, description: "new")))
        try rig.put("1", in: run, at: "a")
        try rig.end(run)
        #expect(try rig.commitWaited(run).isCommitted)
        #expect(try rig.commitWaited(bad[4]).error?.code == .storeRejected)
        try rig.log.wait("the run is written") { rig.store.bytes(of: "runs/good.json") != nil }
        try rig.log.wait("the state is written") { rig.store.bytes(of: "experiments/\(good)/state.json") != nil }
        rig.store.setHook(nil)
        for run in bad { #expect(try rig.commitWaited(run).isCommitted) }
        try stopWriting(rig)
        #expect(try rig.finish() == [])
    }

    /// An outage that only the registry meets is told by status, until the store answers again.
    @Test func statusTellsOfAnOutage() throws {
        let rig = try Rig()
        rig.store.setHook { _ throws(ArtifactError) in throw ArtifactError(.storeUnavailable, "scripted") }
        let run = try rig.startRun()
        func status() throws -> String { try rig.status.report(for: Rig.peer).json }
        try rig.log.wait("the trouble") { try status().contains(#""store_condition":"store_unavailable since "#) }
        #expect(try status().contains(#""last_error":{"code":"store_unavailable""#))
        try rig.log.wait("that it is down") { rig.dispatcher.snapshot { $0.health[0].isDown } }
        #expect(try rig.run(run.id).isProvisional)
        rig.store.setHook(nil)
        try stopWriting(rig)
        #expect(try status().contains(#""store_condition":"ok""#))
        #expect(try rig.finish() == [])
    }

    /// A wait without a deadline ends with its connection.
    @Test func aWaitEndsWithItsConnection() throws {
        let served = try ServedRig()
        let watcher = try served.client()
        let rig = served.rig
        let run = try rig.startRun()
        try rig.commit(run, 0, of: 2)
        do {
            let leaving = try served.client()
            try leaving.send(.waitCommit(WaitCommit(runID: run.id, group: "g")))
            // Answered behind the wait has begun.
            _ = try leaving.call(.status)
            #expect(rig.registrar.waiters.count == 1)
        }
        try served.waitForConnections(1, watcher)
        #expect(rig.registrar.waiters.count == 0)
        #expect(try served.finish() == [])
    }
}
