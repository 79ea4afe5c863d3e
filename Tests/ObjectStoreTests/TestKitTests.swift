import ArtifactModel
import Foundation
import ObjectStore
import TestSupport
import Testing

/// The kit that other tests trust.
@Suite struct TestKitTests {
    /// The tables give the check values of the catalogue of CRCs (for the text 123456789).
    @Test func checksAreThoseOfTheCatalogue() {
        let text = Array("123456789".utf8)
        #expect(TableCRC.check(.crc32c, of: text).value == 0xE306_9283)
        #expect(TableCRC.check(.crc64nvme, of: text).value == 0xAE8B_1486_0A79_9888)
    }

    /// The joined check of two runs is the check of both together.
    @Test(arguments: [CRC.Algorithm.crc32c, .crc64nvme])
    func checksJoin(_ algorithm: CRC.Algorithm) {
        let bytes = SeededBytes.make(seed: 5, count: 10_007)
        let (head, tail) = (Array(bytes[..<4_096]), Array(bytes[4_096...]))
        let joined = TableCRC.check(algorithm, of: head).joined(with: TableCRC.check(algorithm, of: tail))
        #expect(joined == TableCRC.check(algorithm, of: bytes))
    }

    /// Seeded bytes depend on the seed alone, and a shorter run is the beginning of a longer one.
    @Test func seededBytesRepeat() {
        let bytes = SeededBytes.make(seed: 1, count: 1_003)
        #expect(bytes == SeededBytes.make(seed: 1, count: 1_003))
        #expect(Array(bytes[..<1_001]) == SeededBytes.make(seed: 1, count: 1_001))
        #expect(bytes != SeededBytes.make(seed: 2, count: 1_003))
        #expect(SeededBytes.make(seed: 1, count: 0) == [])
    }

    /// A temporary directory goes with its owner, whatever is in it.
    @Test func temporaryDirectoriesGo() throws {
        var directory: TemporaryDirectory? = try TemporaryDirectory()
        let path = try #require(directory?.path)
        try FileManager.default.createDirectory(atPath: "\(path)/a/b", withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: "\(path)/a/b/c", contents: Data([1])))
        directory = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// A child is gone when `kill` returns.
    @Test func killedChildrenAreGone() throws {
        let directory = try TemporaryDirectory()
        let child = try ChildProcess(["sleep", "600"], logPath: "\(directory.path)/log")
        let pid = try #require(child.pid)
        child.kill()
        #expect(child.hasEnded)
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
    }

    /// Scripted failures strike once each, in order, before or after the work; the hook sees every call.
    @Test func scriptedFailuresStrike() throws {
        let store = MemoryStore(integrity: .unverified)
        let session = store.makeSession()
        let object = ObjectDescription(key: try ObjectKey("key"), contentType: "text/plain", encoding: .identity, metadata: [])
        func put() throws -> ArtifactError.Code? {
            try failure { try [UInt8]([1]).withUnsafeBytes { try session.put(object, body: $0, check: nil) } }?.code
        }
        store.fail(next: .put, with: ArtifactError(.storeThrottled, "first"))
        store.fail(next: .put, with: ArtifactError(.storeUnavailable, "second"), at: .after)
        #expect(try put() == .storeThrottled)
        #expect(store.bytes(of: "key") == nil)
        #expect(try put() == .storeUnavailable)
        #expect(store.bytes(of: "key") == [1])
        #expect(try put() == nil)
        store.setHook { (call) throws(ArtifactError) in throw ArtifactError(.cancelled, "\(call.operation) \(call.key)") }
        #expect(try failure { try session.head(object.key) }?.message == "head key")
        #expect(store.calls.map(\.operation) == [.put, .put, .put, .head])
    }

    /// The fake refuses what S3 refuses: parts too small, and bodies without the check that it asks for.
    @Test func theFakeIsStrict() throws {
        let store = MemoryStore(integrity: .crc32c)
        let session = store.makeSession()
        let key = try ObjectKey("key")
        let object = ObjectDescription(key: key, contentType: "text/plain", encoding: .identity, metadata: [])
        let body: [UInt8] = [1]
        #expect(
            try failure { try body.withUnsafeBytes { try session.put(object, body: $0, check: nil) } }?.code == .invalidRequest)
        let upload = try session.createUpload(object)
        let check = TableCRC.check(.crc32c, of: body)
        let receipts = try (1...2).map { number in
            let part = PartDescription(key: key, uploadID: upload, number: number, offset: UInt64(number - 1), check: check)
            return try body.withUnsafeBytes { try session.uploadPart(part, body: $0) }
        }
        let whole = check.joined(with: check)
        #expect(
            try failure { try session.completeUpload(key: key, uploadID: upload, parts: receipts, check: whole) }?.code
                == .storeRejected)
    }
}
