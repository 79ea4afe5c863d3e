import ArtifactModel
import ArtifactWire
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct ArtifactListingTests {
    private static let down = ArtifactError(.storeUnavailable, "scripted")

    /// Pages of any size show every artifact once, by rising bytes of the path: our own, pending or stored, those of other nodes, and
    /// paths that differ in their bytes alone.
    @Test(arguments: [1, 2, 3, 7, 1000] as [UInt32])
    func pagesAreComplete(limit: UInt32) throws {
        let store = MemoryStore()
        let (here, there) = (try Rig(store), try Rig(store))
        let run = try here.startRun(id: "r")
        _ = try there.startRun(id: "r")
        let own = ["a", "a/1", "ab", "e\u{301}", "z/\u{301}x"]
        let foreign = ["\u{E9}", "a/2", "b", "z/y", "zz"]
        for path in own { try here.end(of: try here.put("own", in: run, at: path)) }
        for path in foreign { try there.end(of: try there.put("foreign", in: run, at: path)) }
        try there.end(run)
        #expect(try there.commitWaited(run).isCommitted)
        let gate = here.makeGate()
        store.setHook { if $0.key.hasSuffix("pending") { gate.pass() } }
        let pending = try here.put("p", in: run, at: "m/pending")
        try gate.waitForArrivals()
        var found: [ArtifactRecord] = []
        var after: String?
        repeat {
            let page = try here.page(of: run, after: after, limit: limit)
            #expect(page.incomplete == nil)
            #expect(page.artifacts.count <= Int(limit))
            found += page.artifacts
            after = page.next
        } while after != nil
        let expected = (own + foreign + ["m/pending"]).map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(found.map { Array($0.path.utf8) } == expected)
        let uploading = try #require(found.first { $0.path == "m/pending" })
        #expect(uploading.state == .uploading && uploading.job == pending)
        // The other node's manifest says what a listing of the store does not.
        #expect(found.filter { $0.job == nil }.allSatisfy { $0.size == 7 && $0.checksum != nil && $0.encoding == .identity })
        #expect(try here.page(of: run, path: "a").artifacts.map(\.path) == ["a", "a/1", "a/2"])
        gate.open()
        store.setHook(nil)
        try here.end(of: pending)
        for rig in [here, there] { #expect(try rig.finish() == []) }
    }

    /// Of a path that another node overwrote, what that node stored is listed, everywhere, whichever manifest is read last; of one that
    /// is being handed over here again, that.
    @Test func theLastWriterIsListed() throws {
        let store = MemoryStore()
        let rigs = [try Rig(store), try Rig(store), try Rig(store)]
        let run = try rigs[0].startRun(id: "r")
        _ = try rigs[1].startRun(id: "r")
        let texts = ["first of it", "second"]
        for (path, order) in [("a", [0, 1]), ("b", [1, 0])] {
            for (text, index) in zip(texts, order) {
                try rigs[index].end(of: try rigs[index].put(text, in: run, at: path))
            }
        }
        for rig in rigs[..<2] {
            _ = try rig.answer(.commit(Commit(runID: "r")))
            #expect(try rig.commitWaited(run).isCommitted)
        }
        _ = try rigs[2].run("r")
        let base = "experiments/\(run.experimentID)/runs/r/artifacts"
        let listed = try store.makeSession().list(prefix: base, after: nil, limit: 9).entries
        for rig in rigs {
            let page = try rig.page(of: run)
            #expect(page.artifacts.map(\.size) == [6, 6])
            #expect(page.artifacts.map(\.etag) == listed.map(\.etag))
            #expect(page.artifacts.allSatisfy { $0.checksum != nil && $0.state == .stored })
        }
        let gate = rigs[0].makeGate()
        store.setHook { if $0.operation == .put, $0.key.hasSuffix("/a") { gate.pass() } }
        let again = try rigs[0].put("a third time", in: run, at: "a")
        try gate.waitForArrivals()
        let pending = try #require(try rigs[0].page(of: run).artifacts.first)
        #expect(pending.job == again && pending.size == 12 && pending.state == .uploading)
        gate.open()
        store.setHook(nil)
        try rigs[0].end(of: again)
        #expect(try rigs[0].page(of: run).artifacts.first?.job == again)
        for rig in rigs { #expect(try rig.finish() == []) }
    }

    /// While the store does not answer, or refuses, what the journal knows is listed, and why there may be more.
    @Test(arguments: [ArtifactError.Code.storeUnavailable, .storeDenied])
    func theJournalIsEnough(code: ArtifactError.Code) throws {
        let rig = try Rig()
        let run = try rig.startRun()
        try rig.end(of: try rig.put("1", in: run, at: "a"))
        try rig.log.wait("the run is written") { try rig.hasWrittenRuns() }
        rig.store.setHook { _ throws(ArtifactError) in throw ArtifactError(code, "scripted") }
        let page = try rig.page(of: run)
        #expect(page.artifacts.map(\.path) == ["a"])
        #expect(page.incomplete?.code == code)
        rig.store.setHook(nil)
        #expect(try rig.finish() == [])
    }

    /// An artifact that another node has deleted is not listed any more; a damaged manifest hides no artifact.
    @Test func whatTheStoreSaysCounts() throws {
        let rig = try Rig()
        let run = try rig.startRun()
        let job = try rig.put("1", in: run, at: "a")
        try rig.end(of: job)
        try rig.end(of: try rig.put("2", in: run, at: "b"))
        let base = "experiments/\(run.experimentID)/runs/\(run.id)"
        try rig.store.makeSession().delete(try ObjectKey("\(base)/artifacts/a"))
        try rig.store.plant("no JSON", at: "\(base)/manifests/other.json")
        try rig.store.plant("f", at: "\(base)/artifacts/foreign")
        let page = try rig.page(of: run)
        #expect(page.artifacts.map(\.path) == ["b", "foreign"])
        #expect(page.incomplete?.code == .corruptObject)
        #expect(try rig.finish() == [])
    }

    /// Deleting cancels what is pending and removes what is stored, of whatever node; what is handed over afterwards stays.
    @Test func deletingLeavesNothing() throws {
        let rig = try Rig()
        let run = try rig.startRun()
        let base = "experiments/\(run.experimentID)/runs/\(run.id)/artifacts"
        try rig.end(of: try rig.put("1", in: run, at: "d/stored"))
        try rig.store.plant("f", at: "\(base)/d/foreign")
        try rig.store.plant("f", at: "\(base)/dd")
        let gate = rig.makeGate()
        rig.store.setHook { call in if call.operation == .put, call.key.hasSuffix("uploading") { gate.pass() } }
        let uploading = try rig.put("2", in: run, at: "d/uploading")
        try gate.waitForArrivals()
        let behind = try rig.put("3", in: run, at: "d/uploading")
        let deletion = rig.handle(.deleteArtifacts(DeleteArtifacts(runID: run.id, path: "d", isRecursive: true)))
        #expect(try rig.end(of: behind).state == .cancelled)
        #expect(deletion.count == 0)
        gate.open()
        guard case .artifactsDeleted(let deleted) = try deletion.wait().get() else { throw SupportError("not deleted") }
        #expect(deleted.count == 3)
        #expect(try rig.record(of: uploading).state.isFinal)
        #expect(try rig.store.keys(below: base) == ["\(base)/dd"])
        rig.store.setHook(nil)
        try rig.end(of: try rig.put("4", in: run, at: "d/uploading"))
        #expect(try rig.page(of: run).artifacts.map(\.path) == ["d/uploading", "dd"])
        try rig.end(run)
        #expect(try rig.commitWaited(run).isCommitted)
        let manifest = "experiments/\(run.experimentID)/runs/\(run.id)/manifests/\(rig.journal.daemonID).json"
        #expect(try rig.store.paths(in: manifest) == ["d/uploading"])
        #expect(try rig.finish() == [])
    }

    /// A deletion that the store does not answer is done when it is asked for again.
    @Test func deletingIsTakenUpAgain() throws {
        let rig = try Rig()
        let run = try rig.startRun()
        try rig.end(of: try rig.put("1", in: run, at: "a"))
        try rig.log.wait("the run is written") { try rig.hasWrittenRuns() }
        rig.store.fail(next: .delete, with: Self.down)
        let request = Message.deleteArtifacts(DeleteArtifacts(runID: run.id, path: "a"))
        #expect(failure { _ = try rig.answer(request) }?.code == .storeUnavailable)
        #expect(try rig.answer(request) == .artifactsDeleted(ArtifactsDeleted(count: 1)))
        #expect(failure { _ = try rig.answer(request) }?.code == .notFound)
        #expect(try rig.finish() == [])
    }

    /// Pages of records that carry the longest texts still fit into a frame.
    @Test func pagesFitIntoAFrame() throws {
        let rig = try Rig()
        let run = try rig.startRun()
        try rig.log.wait("the run is written") { try rig.hasWrittenRuns() }
        rig.store.fail(
            next: .put,
            with: ArtifactError(.storeRejected, String(repeating: "m", count: 4000), cause: String(repeating: "c", count: 4000)),
            times: 300)
        for number in 0..<300 { try rig.put("x", in: run, at: "\(number)") }
        var count = 0
        var after: String?
        repeat {
            let page = try rig.page(of: run, after: after)
            _ = try Message.artifacts(page).frame(requestID: 1)
            count += page.artifacts.count
            after = page.next
        } while after != nil
        #expect(count == 300)
        try rig.stop()
    }
}
