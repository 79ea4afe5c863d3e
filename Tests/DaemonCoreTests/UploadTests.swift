import ArtifactModel
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct UploadTests {
    private static let sizes = [0, 1, 1 << 20, 5 << 20, (5 << 20) + 1, (11 << 20) + 12_345]

    /// Files of every size, in one request or in parts, are in the store as they were, whatever their encoding.
    @Test(arguments: [Compression.none, .gzip, .zstd, .auto])
    func whatGoesInComesOut(compression: Compression) throws {
        let rig = try Rig()
        for size in Self.sizes {
            let content = SeededBytes.make(seed: UInt64(size), count: size)
            let path = try rig.file(content, name: "f\(size)")
            let id = try rig.put(file: path, to: "o\(size)", compression: compression)
            let record = try rig.end(of: id)
            #expect(record.state == .stored, "\(size) bytes: \(record)")
            let object = try #require(rig.store.bytes(of: "o\(size)"))
            let encoding = try #require(record.encoding)
            #expect(try decoded(object, encoding) == content, "\(size) bytes")
            #expect(record.storedSize == UInt64(object.count))
            #expect(record.bytesDone == UInt64(size))
        }
        #expect(try rig.finish() == [])
    }

    /// What shrinks is shrunk in parts of its own encoding, in parallel, and decodes to the file.
    @Test(arguments: [Compression.gzip, .zstd, .auto])
    func textIsCompressedInParts(compression: Compression) throws {
        let rig = try Rig(MemoryStore(integrity: .sha256))
        let content = prose(30 << 20)
        let id = try rig.put(file: try rig.file(content), to: "log.txt", compression: compression)
        let record = try rig.end(of: id)
        #expect(record.state == .stored)
        let object = try #require(rig.store.bytes(of: "log.txt"))
        #expect(object.count < content.count)
        #expect(try decoded(object, try #require(record.encoding)) == content)
        #expect(rig.store.calls.filter { $0.operation == .uploadPart }.count > 1)
        #expect(try rig.finish() == [])
    }

    /// Inline bytes and files too small to hold on to are stored like others.
    @Test func inlineBytesAreStored() throws {
        let rig = try Rig()
        var ids: [JobID] = []
        for number in 0..<50 { ids.append(try rig.put(Array("value \(number)".utf8), to: "metrics/\(number).txt")) }
        for (number, id) in ids.enumerated() {
            #expect(try rig.end(of: id).state == .stored)
            #expect(rig.store.bytes(of: "metrics/\(number).txt") == Array("value \(number)".utf8))
        }
        #expect(try rig.finish() == [])
    }

    /// A hand-over that asks for STORED is answered when the object is in the store, not before.
    @Test func storedIsAnsweredWhenStored() throws {
        let rig = try Rig()
        let gate = rig.makeGate()
        rig.store.setHook { if $0.operation == .put { gate.pass() } }
        let answer = rig.submit(.init(destination: "a", source: .inline([1, 2, 3]), level: .stored))
        try gate.waitForArrivals()
        #expect(answer.count == 0)
        gate.open()
        let accepted = try answer.wait().get()
        #expect(accepted.level == .stored)
        #expect(rig.store.bytes(of: "a") == [1, 2, 3])
        #expect(answer.count == 1)
        #expect(try rig.finish() == [])
    }

    /// A hand-over that asks for DURABLE is answered when the daemon has its own copy: the file may be overwritten from then on.
    @Test func durableSurvivesAnOverwrite() throws {
        let rig = try Rig()
        let gate = rig.makeGate()
        rig.store.setHook { if $0.operation != .integrity { gate.pass() } }
        let content = SeededBytes.make(seed: 4, count: 7 << 20)
        let path = try rig.file(content)
        let id = try rig.put(file: path, to: "d", level: .durable)
        #expect(try rig.record(of: id).pin == .spool)
        try Rig.write(Array("something else".utf8), to: path)
        gate.open()
        #expect(try rig.end(of: id).state == .stored)
        #expect(rig.store.bytes(of: "d") == content)
        #expect(rig.spool.used == 0)
        #expect(try rig.finish() == [])
    }

    /// Two versions for one key: the later one remains, though the earlier is slow and the later fast.
    @Test func theLaterVersionRemains() throws {
        let rig = try Rig()
        let gate = rig.makeGate()
        rig.store.setHook { if $0.operation == .uploadPart { gate.pass() } }
        let slow = try rig.put(file: try rig.file(SeededBytes.make(seed: 1, count: 12 << 20)), to: "latest.pt")
        try gate.waitForArrivals()
        let fast = try rig.put([7, 7, 7], to: "latest.pt")
        let other = try rig.put([8], to: "other.pt")
        #expect(try rig.end(of: other).state == .stored)
        #expect(try rig.record(of: fast).state == .accepted)
        gate.open()
        #expect(try rig.end(of: slow).state == .stored)
        #expect(try rig.end(of: fast).state == .stored)
        #expect(rig.store.bytes(of: "latest.pt") == [7, 7, 7])
        #expect(try rig.finish() == [])
    }

    /// A large part gets its memory although many small files want some all the time, and the other way round.
    @Test func nobodyStarvesForMemory() throws {
        let rig = try Rig(MemoryStore(integrity: .sha256)) { configuration in
            configuration.workers = 8
            configuration.buffers = 32 << 20
            configuration.partSize = 16 << 20
            configuration.inlineLimit = 0
        }
        var ids: [JobID] = []
        var expected: [String: [UInt8]] = [:]
        for number in 0..<4 {
            let large = number % 2 == 0 ? prose(24 << 20, seed: UInt64(number)) : SeededBytes.make(seed: 9, count: 40 << 20)
            expected["large\(number)"] = large
            let compression: Compression = number % 2 == 0 ? .zstd : .none
            ids.append(try rig.put(file: try rig.file(large, name: "l\(number)"), to: "large\(number)", compression: compression))
            for small in 0..<4 {
                let content = SeededBytes.make(seed: UInt64(small), count: small % 2 == 0 ? 1000 : 15 << 20)
                let key = "small\(number)-\(small)"
                expected[key] = content
                ids.append(try rig.put(file: try rig.file(content, name: key), to: key))
            }
        }
        for id in ids {
            let record = try rig.end(of: id)
            #expect(record.state == .stored)
            let key = try #require(record.destination.split(separator: "/").last.map(String.init))
            #expect(try decoded(try #require(rig.store.bytes(of: key)), try #require(record.encoding)) == expected[key], "\(key)")
        }
        #expect(try rig.finish() == [])
    }
}
