import ArtifactModel
import Glibc
import LinuxSystem
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct SourceChangeTests {
    private static let before = SeededBytes.make(seed: 21, count: 16 << 20)
    private static let after = SeededBytes.make(seed: 22, count: 12 << 20)

    /// At which call of the store somebody rewrites the file.
    private static let stages: [MemoryStore.Operation] = [.createUpload, .uploadPart]

    /// A file that changes while it is uploaded fails as such, whenever it happens, and nothing of it is in the store.
    @Test(arguments: stages)
    func aChangeFails(stage: MemoryStore.Operation) throws {
        let rig = try Rig()
        let path = try rig.file(Self.before)
        let once = Once()
        rig.store.setHook { call throws(ArtifactError) in
            if call.operation == stage { try once.run { try Rig.write(Self.after, to: path) } }
        }
        let id = try rig.put(file: path, to: "f")
        let record = try rig.end(of: id)
        #expect(record.state == .failed)
        #expect(record.error?.code == .sourceChanged)
        #expect(rig.store.bytes(of: "f") == nil)
        #expect(try rig.finish() == [])
    }

    /// Under the policy `restart` the new content is stored instead, whole.
    @Test(arguments: stages)
    func aChangeRestarts(stage: MemoryStore.Operation) throws {
        let rig = try Rig()
        let path = try rig.file(Self.before)
        let once = Once()
        rig.store.setHook { call throws(ArtifactError) in
            if call.operation == stage { try once.run { try Rig.write(Self.after, to: path) } }
        }
        let id = try rig.put(file: path, to: "f", onChange: .restart)
        let record = try rig.end(of: id)
        #expect(record.state == .stored)
        #expect(record.size == UInt64(Self.after.count))
        #expect(rig.store.bytes(of: "f") == Self.after)
        #expect(try rig.finish() == [])
    }

    /// The same between acceptance and the first byte read, for a file small enough for one request.
    @Test(arguments: [ChangePolicy.fail, .restart])
    func aChangeBeforeTheStart(policy: ChangePolicy) throws {
        let rig = try Rig { $0.workers = 1 }
        let gate = rig.makeGate()
        rig.store.setHook { if $0.key == "first" { gate.pass() } }
        let first = try rig.put([1], to: "first")
        try gate.waitForArrivals()
        let path = try rig.file(SeededBytes.make(seed: 1, count: 100_000))
        let id = try rig.put(file: path, to: "f", onChange: policy)
        let new = SeededBytes.make(seed: 2, count: 90_000)
        try Rig.write(new, to: path)
        gate.open()
        #expect(try rig.end(of: first).state == .stored)
        let record = try rig.end(of: id)
        #expect(record.state == (policy == .fail ? .failed : .stored))
        #expect(rig.store.bytes(of: "f") == (policy == .fail ? nil : new))
        #expect(try rig.finish() == [])
    }

    /// A file that was deleted or renamed right after it was accepted is stored all the same.
    @Test func aDeletedFileIsStored() throws {
        let rig = try Rig()
        let path = try rig.file(Self.before)
        let id = try rig.put(file: path, to: "f")
        try System.unlink(path)
        #expect(try rig.end(of: id).state == .stored)
        #expect(rig.store.bytes(of: "f") == Self.before)
        #expect(try rig.finish() == [])
    }

    /// New content that the buffers cannot serve fails the job, and stops nobody else.
    @Test func aSourceThatGrowsBeyondAllBoundsFails() throws {
        let rig = try Rig()
        let path = try rig.file(Self.before)
        let once = Once()
        rig.store.setHook { call throws(ArtifactError) in
            guard call.operation == .createUpload else { return }
            try once.run {
                let file = try System.open(path, O_WRONLY)
                try System.truncate(file.number, to: 1 << 40)
            }
        }
        let id = try rig.put(file: path, to: "f", onChange: .restart)
        let record = try rig.end(of: id)
        #expect(record.state == .failed)
        #expect(record.error?.code == .tooLarge)
        #expect(try rig.end(of: try rig.put([1], to: "g")).state == .stored)
        #expect(try rig.finish() == [])
    }
}
