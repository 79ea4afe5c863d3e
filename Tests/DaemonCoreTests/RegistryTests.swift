import ArtifactModel
import ArtifactWire
import Foundation
import Journal
import LinuxSystem
import ObjectStore
import Synchronization
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct RegistryTests {
    private static let down = ArtifactError(.storeUnavailable, "scripted")

    private static func base(_ run: Run) -> String { "experiments/\(run.experimentID)/runs/\(run.id)" }

    /// What another daemon would have written for the experiment "e" of the tenant "default".
    private static func foreignExperiment(at location: String, tenant: String = "default", name: String = "e") throws -> (
        key: String, text: String
    ) {
        let id = try ExperimentID.of(tenant: "default", name: "e")
        let document = ExperimentDocument(
            Experiment(
                id: id, tenant: tenant, name: name, description: "of another node", artifactLocation: location, createdAt: 17,
                updatedAt: 17, isProvisional: false))
        return ("experiments/\(id)/experiment.json", String(decoding: try RegistryStore.encode(document), as: UTF8.self))
    }

    /// Ids are those of the vectors that every implementation is held against.
    @Test func idsFollowFromTenantAndName() throws {
        struct File: Decodable {
            struct Vector: Decodable {
                var tenant: String
                var experiment: String
                var id: String
            }
            var vectors: [Vector]
        }
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let data = try Data(contentsOf: URL(filePath: "/\(root)/protocol/vectors/experiments.json"))
        let vectors = try JSONDecoder().decode(File.self, from: data).vectors
        #expect(vectors.count > 3)
        for vector in vectors {
            #expect(try ExperimentID.of(tenant: vector.tenant, name: vector.experiment) == vector.id)
        }
    }

    /// While the store is down a run starts and takes artifacts at once, nothing is sent anywhere, and when it answers everything
    /// goes where the node that was first has decided.
    @Test func theStoreDecidesThePlace() throws {
        let rig = try Rig()
        rig.store.setHook { _ throws(ArtifactError) in throw Self.down }
        let run = try rig.startRun()
        #expect(run.isProvisional)
        let job = try rig.put("x", in: run, at: "models/m.pt")
        #expect(try rig.record(of: job).destination == "s3://memory/\(Self.base(run))/artifacts/models/m.pt")
        try rig.end(run)
        #expect(try rig.commitWaited(run, timeout: 0).pending == 1)
        try rig.log.wait("why it waits") { rig.dispatcher.trouble(of: job)?.code == .storeUnavailable }
        #expect(rig.store.calls.allSatisfy { !$0.key.contains("/artifacts/") })
        rig.store.setHook(nil)
        let foreign = try Self.foreignExperiment(at: "s3://memory/elsewhere")
        if rig.store.bytes(of: foreign.key) == nil { try rig.store.plant(foreign.text, at: foreign.key) }
        #expect(try rig.commitWaited(run).isCommitted)
        let location = try #require(try rig.store.document(foreign.key)["artifact_location"] as? String)
        let place = String(location.dropFirst("s3://memory/".count)) + "/runs/\(run.id)"
        #expect(rig.store.bytes(of: "\(place)/artifacts/models/m.pt") == Array("x".utf8))
        #expect(try rig.store.paths(in: "\(place)/manifests/\(rig.journal.daemonID).json") == ["models/m.pt"])
        #expect(try rig.run(run.id).artifactURI == "\(location)/runs/\(run.id)/artifacts")
        #expect(rig.dispatcher.trouble(of: job) == nil)
        #expect(try rig.finish() == [])
    }

    /// An experiment that another node writes in the very moment before us is theirs, and ours goes there.
    @Test func theFirstNodeWins() throws {
        let rig = try Rig()
        let once = Once()
        rig.store.setHook { [store = rig.store] call throws(ArtifactError) in
            guard call.operation == .putIfAbsent, call.key.hasSuffix("/experiment.json") else { return }
            try once.run {
                let foreign = try Self.foreignExperiment(at: "s3://memory/theirs")
                try store.plant(foreign.text, at: foreign.key)
            }
        }
        let run = try rig.startRun()
        let job = try rig.put("x", in: run, at: "a")
        #expect(try rig.end(of: job).state == .stored)
        #expect(rig.store.bytes(of: "theirs/runs/\(run.id)/artifacts/a") != nil)
        guard case .experiment(let experiment) = try rig.answer(.getExperiment(GetExperiment(.name("e")))) else {
            throw SupportError("no experiment")
        }
        #expect(experiment.artifactLocation == "s3://memory/theirs")
        #expect(experiment.description == "of another node")
        #expect(experiment.createdAt == 17)
        #expect(try rig.finish() == [])
    }

    /// A location that is not allowed is refused as the user wrote it.
    @Test func aForeignLocation() throws {
        let rig = try Rig()
        let refusal = failure {
            _ = try rig.answer(.createExperiment(CreateExperiment(name: "e", artifactLocation: "s3://elsewhere/x")))
        }
        #expect(refusal?.code == .destinationNotAllowed)
        #expect(refusal?.message.hasPrefix("'s3://elsewhere/x' lies outside the store") == true)
        #expect(try rig.finish() == [])
    }

    /// An experiment does not lie within another's place, nor among the registry's documents; beside them it may.
    @Test func aReservedLocation() throws {
        let rig = try Rig()
        let other = try rig.startRun("other")
        let theirs = "s3://memory/experiments/\(other.experimentID)"
        for location in [
            theirs, theirs + "/runs/\(other.id)/artifacts/", "s3://memory/runs", "s3://memory/experiments", "s3://memory/runs/x",
        ] {
            let refusal = failure {
                _ = try rig.answer(.createExperiment(CreateExperiment(name: "e", artifactLocation: location)))
            }
            #expect(refusal?.code == .destinationNotAllowed, "\(location)")
        }
        let own = "s3://memory/experiments/\(try ExperimentID.of(tenant: "default", name: "e"))/place"
        for (name, location) in [("e", own), ("f", "s3://memory/runs-of-f"), ("g", "s3://memory/f/runs")] {
            _ = try rig.answer(.createExperiment(CreateExperiment(name: name, artifactLocation: location)))
        }
        #expect(try rig.finish() == [])
    }

    /// Whoever reads an object from a store that does not answer keeps nobody from looking a run up.
    @Test func readersKeepNobody() throws {
        let rig = try Rig()
        let run = try rig.startRun(id: "r")
        try rig.log.wait("the run is written") { try rig.hasWrittenRuns() }
        let gate = rig.makeGate()
        rig.store.setHook { call throws(ArtifactError) in if call.key == "slow" { gate.pass() } }
        let readers = (0..<3).map { _ in rig.handle(.delete(Delete(uri: "slow"))) }
        try gate.waitForArrivals()
        guard case .run(let found) = try rig.answer(.getRun(GetRun(runID: run.id))) else { throw SupportError("no run") }
        #expect(found.id == "r")
        gate.open()
        for reader in readers { #expect(failure { _ = try reader.wait().get() }?.code == .notFound) }
        #expect(try rig.finish() == [])
    }

    /// Wherever the daemon is cut off from the store and ended: after a restart the run is committed, with all that was accepted,
    /// and its experiment was written once.
    @Test func everyStepIsResumed() throws {
        var cut = 0
        while true {
            let store = MemoryStore()
            let seen = Mutex(0)
            let isOver = Promise<Bool>()
            store.setHook { [cut] _ throws(ArtifactError) in
                let number = seen.withLock { seen in
                    seen += 1
                    return seen
                }
                guard number > cut else { return }
                isOver.keep(false)
                throw Self.down
            }
            let first = try Rig(store)
            let run = try first.startRun(id: "r")
            try first.put("1", in: run, at: "a")
            try first.put("2", in: run, at: "b", member: GroupMember(group: "g", number: 0))
            try first.commit(run, 0, of: 1)
            try first.end(run)
            first.requests.handle(
                .waitCommit(WaitCommit(runID: run.id)), arrivedAt: System.monotonicNanoseconds(), descriptor: nil, spoolFile: nil,
                peer: Rig.peer
            ) { answer in if case .success = answer { isOver.keep(true) } }
            let isDone = try isOver.wait()
            try first.stop()
            store.setHook(nil)
            let second = try Rig(store, in: first.directory)
            #expect(try second.commitWaited(run).isCommitted)
            #expect(try second.commitWaited(run, group: "g").isCommitted)
            let base = Self.base(run)
            #expect(try store.paths(in: "\(base)/manifests/\(second.journal.daemonID).json") == ["a", "b"])
            #expect(try store.paths(in: "\(base)/groups/g/commit.json") == ["b"])
            try second.log.wait("the end of the run") { try second.hasWrittenRuns() }
            #expect(try store.keys(below: base + "/manifests/").count == 1)
            #expect(try second.finish() == [])
            if isDone { break }
            cut += 1
        }
        #expect(cut > 8)
    }

    /// A manifest that is asked for again while it is being written is written once more, with what came since.
    @Test func askedForAgainMeanwhile() throws {
        let rig = try Rig()
        let gate = rig.makeGate()
        let once = Once()
        rig.store.setHook { call throws(ArtifactError) in
            if call.operation == .put, call.key.contains("/manifests/") { try once.run { gate.pass() } }
        }
        let run = try rig.startRun()
        try rig.put("1", in: run, at: "a")
        _ = try rig.answer(.commit(Commit(runID: run.id)))
        try gate.waitForArrivals()
        try rig.put("2", in: run, at: "b")
        try rig.end(run)
        gate.open()
        #expect(try rig.commitWaited(run).isCommitted)
        let key = "\(Self.base(run))/manifests/\(rig.journal.daemonID).json"
        #expect(try rig.store.paths(in: key) == ["a", "b"])
        #expect(try rig.store.document(key)["status"] as? String == "finished")
        #expect(try rig.finish() == [])
    }

    /// Whichever daemon completes a group writes the same bytes: by rising path, and at one path by rising member.
    @Test func aGroupsDocumentFollowsFromItsMembers() throws {
        var contents: [[UInt8]] = []
        for isFirstLast in [false, true] {
            let store = MemoryStore()
            let rigs = [try Rig(store), try Rig(store)]
            let runs = try rigs.map { try $0.startRun(id: "r") }
            for index in isFirstLast ? [1, 0] : [0, 1] {
                let (rig, run) = (rigs[index], runs[index])
                let member = GroupMember(group: "g", number: UInt32(index))
                for path in ["same", "\(index)/own"] {
                    let job = try rig.put("\(index)", in: run, at: index == 0 && path == "same" ? "other" : path, member: member)
                    try rig.end(of: job)
                }
                try rig.commit(run, UInt32(index), of: 2)
                if index == (isFirstLast ? 1 : 0) {
                    let waited = try rig.commitWaited(run, group: "g", timeout: 0)
                    #expect(!waited.isCommitted)
                }
            }
            for (rig, run) in zip(rigs, runs) { #expect(try rig.commitWaited(run, group: "g").isCommitted) }
            let key = "\(Self.base(runs[0]))/groups/g/commit.json"
            #expect(try store.paths(in: key) == ["0/own", "1/own", "other", "same"])
            // The store's own stamps are all that may differ.
            var text = String(decoding: try #require(store.bytes(of: key)), as: UTF8.self)
            text.replace(/"etag":"[^,]*,/, with: "")
            contents.append(Array(text.utf8))
            for rig in rigs { #expect(try rig.finish() == []) }
        }
        #expect(contents[0] == contents[1])
    }

    /// Who waits is answered at the deadline, though the store holds the registrar up; and hand-overs go on meanwhile.
    @Test func aSilentStoreHoldsNobodyUp() throws {
        let served = try ServedRig()
        let rig = served.rig
        let gate = rig.makeGate()
        let run = try rig.startRun()
        let job = try rig.put("1", in: run, at: "a")
        try rig.end(of: job)
        rig.store.setHook { call in if call.key.contains("/manifests/") || call.operation == .list { gate.pass() } }
        _ = try rig.answer(.commit(Commit(runID: run.id)))
        try gate.waitForArrivals()
        let listing = rig.handle(.listArtifacts(ListArtifacts(runID: run.id)))
        let waited = try rig.commitWaited(run, timeout: 30)
        #expect(!waited.isCommitted && waited.pending == 0)
        #expect(try rig.end(of: try rig.put("2", in: run, at: "b")).state == .stored)
        #expect(listing.count == 0)
        gate.open()
        #expect(try rig.commitWaited(run).isCommitted)
        _ = try listing.wait().get()
        #expect(try served.finish() == [])
    }

    /// An experiment's document that is damaged fails the jobs that wait for it, with the reason; mended, they are retried.
    @Test func aDamagedExperimentIsMended() throws {
        let rig = try Rig()
        let foreign = try Self.foreignExperiment(at: "s3://memory/mended")
        try rig.store.plant("{}", at: foreign.key)
        let run = try rig.startRun()
        let job = try rig.put("x", in: run, at: "a")
        let failed = try rig.end(of: job)
        #expect(failed.state == .failed)
        #expect(failed.error?.code == .corruptObject)
        try rig.end(run)
        let waited = try rig.commitWaited(run)
        #expect(waited.failed == 1)
        #expect(waited.error?.code == .corruptObject)
        try rig.store.plant(foreign.text, at: foreign.key)
        _ = try rig.answer(.retry(Retry(ids: [job])))
        #expect(try rig.end(of: job).state == .stored)
        #expect(rig.store.bytes(of: "mended/runs/\(run.id)/artifacts/a") == Array("x".utf8))
        #expect(try rig.commitWaited(run).isCommitted)
        #expect(try rig.finish() == [])
    }

    /// The document of another experiment's run that has the same id is not overwritten, and who waits for this one is told; that of
    /// another node's start of the same run is not either, but for its end.
    @Test func aRunsDocumentIsKept() throws {
        let rig = try Rig()
        let theirs = Run(
            id: "taken", experimentID: "another", tenant: "other", name: "theirs", startedAt: 5, artifactURI: "s3://memory/x",
            isProvisional: false)
        var earlier = theirs
        earlier.id = "shared"
        earlier.tenant = "default"
        earlier.experimentID = try ExperimentID.of(tenant: "default", name: "e")
        let texts = try [theirs, earlier].map { String(decoding: try RegistryStore.encode(RunDocument($0)), as: UTF8.self) }
        try rig.store.plant(texts[0], at: "runs/taken.json")
        try rig.store.plant(texts[1], at: "runs/shared.json")
        for name in ["taken", "shared"] {
            let run = try rig.startRun(id: name)
            try rig.end(run, as: .killed)
        }
        for _ in 0..<2 {
            let waited = try rig.commitWaited(try rig.run("taken"))
            #expect(!waited.isCommitted && waited.error?.code == .conflict)
            #expect(waited.error?.message.contains("of experiment another") == true)
        }
        #expect(try rig.commitWaited(try rig.run("shared")).isCommitted)
        try rig.log.wait("the end of the other") { try rig.journal.runsToWrite(limit: 9).map(\.id) == ["taken"] }
        #expect(rig.store.bytes(of: "runs/taken.json") == Array(texts[0].utf8))
        let shared = try rig.store.document("runs/shared.json")
        #expect(shared["name"] as? String == "theirs")
        #expect(shared["status"] as? String == "killed")
        #expect(shared["started_at"] as? Int == 5)
        #expect(try rig.page(of: try rig.run("taken")).incomplete == nil)
        // Once the other is gone this one takes its place.
        try rig.store.makeSession().delete(try ObjectKey("runs/taken.json"))
        #expect(try rig.commitWaited(try rig.run("taken")).isCommitted)
        #expect(try rig.store.document("runs/taken.json")["status"] as? String == "killed")
        #expect(try rig.finish() == [])
    }

    /// A run that another node has ended takes no artifacts here once that is known.
    @Test func anEndElsewhereIsLearnt() throws {
        let store = MemoryStore()
        let (here, there) = (try Rig(store), try Rig(store))
        let run = try here.startRun(id: "r")
        try here.end(of: try here.put("1", in: run, at: "a"))
        try here.log.wait("the run is written") { try here.hasWrittenRuns() }
        #expect(try there.run("r").status == .running)
        try there.end(run, as: .failed)
        #expect(try there.commitWaited(run).isCommitted)
        try there.log.wait("the end is written") { try there.hasWrittenRuns() }
        #expect(try here.run("r").status == .failed)
        #expect(failure { try here.put("2", in: run, at: "b") }?.code == .conflict)
        // Its own manifest is still to be asked for.
        try here.end(run, as: .failed)
        #expect(try here.commitWaited(run).isCommitted)
        #expect(try store.keys(below: "\(Self.base(run))/manifests/").count == 2)
        for rig in [here, there] { #expect(try rig.finish() == []) }
    }
}
