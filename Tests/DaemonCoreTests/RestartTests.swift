import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct RestartTests {
    private static let large = SeededBytes.make(seed: 31, count: (22 << 20) + 9)

    /// Stopped in the middle of an upload, the next run goes on: parts that were confirmed are not sent again.
    @Test(arguments: [Compression.none, .zstd, .gzip])
    func anUploadGoesOnAfterARestart(compression: Compression) throws {
        let first = try Rig { $0.workers = 2 }
        let store = first.store
        let gate = first.makeGate()
        store.setHook { if $0.operation == .uploadPart, ($0.part ?? 0) > 2 { gate.pass() } }
        let path = try first.file(Self.large)
        let id = try first.put(file: path, to: "large", compression: compression)
        try gate.waitForArrivals()
        let sequence = try first.record(of: id).sequence
        try first.settleJournal()
        let confirmed = Set(try first.journal.parts(sequence).map(\.number))
        #expect(confirmed.isSubset(of: [1, 2]))
        #expect(!confirmed.isEmpty)
        // A crash: nothing more reaches the journal or the store.
        store.setHook { _ throws(ArtifactError) in throw ArtifactError(.shuttingDown, "scripted: the process is gone") }
        try first.stop()
        store.setHook(nil)
        let sentBefore = store.calls.count

        let second = try Rig(store, in: first.directory)
        let record = try second.end(of: id)
        #expect(record.state == .stored)
        let encoding = try #require(record.encoding)
        #expect(try decoded(try #require(store.bytes(of: "large")), encoding) == Self.large)
        let sentAgain = store.calls[sentBefore...].compactMap(\.part)
        #expect(confirmed.isDisjoint(with: sentAgain), "\(confirmed) were confirmed, \(sentAgain) sent")
        #expect(store.calls.filter { $0.operation == .createUpload }.count == 1)
        #expect(try second.finish() == [])
    }

    /// An upload whose creation was answered to nobody is found and aborted at the next start.
    @Test func anUploadWithoutAnIdIsAborted() throws {
        let first = try Rig()
        let store = first.store
        store.fail(next: .createUpload, with: ArtifactError(.shuttingDown, "scripted: the process is gone"), at: .after)
        let id = try first.put(file: try first.file(Self.large), to: "large")
        let gate = first.makeGate()
        store.setHook { call throws(ArtifactError) in
            if call.operation != .createUpload, call.operation != .integrity {
                gate.pass()
                throw ArtifactError(.shuttingDown, "scripted: the process is gone")
            }
        }
        try gate.waitForArrivals()
        #expect(store.openUploads == 1)
        try first.stop()
        store.setHook(nil)
        let second = try Rig(store, in: first.directory)
        #expect(try second.end(of: id).state == .stored)
        #expect(store.bytes(of: "large") == Self.large)
        #expect(try second.finish() == [])
    }

    /// Jobs for one key keep their order across a restart.
    @Test func theOrderOutlivesARestart() throws {
        let first = try Rig()
        let store = first.store
        let gate = first.makeGate()
        store.setHook { call throws(ArtifactError) in
            gate.pass()
            throw ArtifactError(.shuttingDown, "scripted: the process is gone")
        }
        var ids: [JobID] = []
        for version in 1...5 { ids.append(try first.put([UInt8(version)], to: "latest")) }
        try first.stop()
        store.setHook(nil)
        let second = try Rig(store, in: first.directory)
        for id in ids { #expect(try second.end(of: id).state == .stored) }
        #expect(store.bytes(of: "latest") == [5])
        #expect(store.calls.suffix(10).filter { $0.operation == .put }.count == 5)
        #expect(try second.finish() == [])
    }

    /// A file deleted after it was accepted outlives a restart by its hard link; one held by its descriptor alone is reported.
    @Test func pinsAfterARestart() throws {
        let first = try Rig()
        let store = first.store
        store.setHook { _ throws(ArtifactError) in throw ArtifactError(.shuttingDown, "scripted: the process is gone") }
        let path = try first.file(Self.large)
        let linked = try first.put(file: path, to: "linked")
        #expect(try first.record(of: linked).pin == .link)
        try System.unlink(path)
        let memory = try System.makeMemoryFile(name: "bare")
        try Self.large.withUnsafeBytes { try System.write($0, to: memory.number, at: 0) }
        try System.seal(memory.number)
        let bare = try first.submit(.init(destination: "bare", source: .descriptor), SharedDescriptor(memory)).wait().get()
        #expect(bare.pin == .descriptor)
        try first.stop()
        store.setHook(nil)

        let second = try Rig(store, in: first.directory)
        #expect(try second.end(of: linked).state == .stored)
        #expect(store.bytes(of: "linked") == Self.large)
        let lost = try second.end(of: bare.id)
        #expect(lost.state == .failed)
        #expect(lost.error?.code == .sourceLost)
        #expect(try second.finish() == [])
    }

    /// Files in the spool that belong to no job are removed at the start, and the daemon's own are counted.
    @Test func theSpoolIsTidiedAtTheStart() throws {
        let first = try Rig()
        first.store.setHook { _ throws(ArtifactError) in throw ArtifactError(.shuttingDown, "scripted: the process is gone") }
        let id = try first.put(file: try first.file(Self.large), to: "d", level: .durable)
        try Rig.write([1, 2, 3], to: "\(first.directory.path)/spool/\(Spool.ownName(of: JobID(high: 1, low: 2)))")
        try first.stop()
        let gate = first.makeGate()
        first.store.setHook { _ in gate.pass() }
        let second = try Rig(first.store, in: first.directory)
        #expect(second.spool.used == UInt64(Self.large.count))
        #expect(try !second.spool.holds(Spool.ownName(of: JobID(high: 1, low: 2))))
        gate.open()
        #expect(try second.end(of: id).state == .stored)
        #expect(second.spool.used == 0)
        #expect(try second.finish() == [])
    }
}
