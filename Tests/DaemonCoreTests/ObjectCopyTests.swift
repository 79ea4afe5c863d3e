import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import DaemonCore

/// Objects in part, and as they lie in the store.
struct ObjectCopyTests {
    /// Of an object that is not encoded any part is written, the answer says how large the whole is, and the store is asked for
    /// nothing else.
    @Test func partsOfPlainObjects() throws {
        let served = try ServedRig()
        let client = try served.client()
        let content = SeededBytes.make(seed: 1, count: 3_000_000)
        try put(content, .none, client, served)
        let cases: [(offset: UInt64?, length: UInt64?, bytes: Range<Int>)] = [
            (0, 1, 0..<1), (nil, 7, 0..<7), (1_000_000, 5, 1_000_000..<1_000_005), (2_999_999, nil, 2_999_999..<3_000_000),
            (2_999_990, 100, 2_999_990..<3_000_000), (5, .max, 5..<3_000_000),
            // At the end, beyond it, and nothing at all.
            (3_000_000, 1, 0..<0), (.max, .max, 0..<0), (.max, nil, 0..<0), (nil, 0, 0..<0), (17, 0, 0..<0),
        ]
        var etags: Set<String?> = []
        for (offset, length, bytes) in cases {
            for isRaw in [false, true] {
                let before = served.rig.store.bytesRead
                let (got, found) = try get(Get(uri: "a", offset: offset, length: length, isRaw: isRaw), client, served)
                #expect(found == Array(content[bytes]))
                #expect(got.size == UInt64(bytes.count) && got.totalSize == 3_000_000 && got.encoding == .identity)
                #expect(served.rig.store.bytesRead - before == bytes.count)
                etags.insert(got.etag)
            }
        }
        let (whole, found) = try get(Get(uri: "a", offset: 0), client, served)
        #expect(found == content && whole.totalSize == 3_000_000)
        #expect(etags == [whole.etag] && whole.etag?.isEmpty == false)
        // Whoever reads on after the object was replaced can tell.
        try put(Array(content.reversed()), .none, client, served)
        #expect(try get(Get(uri: "a", offset: 5, length: 1), client, served).got.etag != whole.etag)
        #expect(try served.finish() == [])
    }

    /// An encoded object is read decoded as a whole, and as it lies in the store in whatever part; a part of its decoded bytes is
    /// refused, and the refusal says what can be had.
    @Test(arguments: [Compression.gzip, .zstd])
    func encodedObjects(compression: Compression) throws {
        let served = try ServedRig()
        let client = try served.client()
        let content = prose(300_000)
        try put(content, compression, client, served)
        let stored = try #require(served.rig.store.bytes(of: "a"))
        let size = UInt64(stored.count)
        #expect(stored.count < content.count)
        let (decoded, all) = try get(Get(uri: "a"), client, served)
        #expect(all == content && decoded.size == 300_000 && decoded.totalSize == 300_000)
        let (raw, bytes) = try get(Get(uri: "a", isRaw: true), client, served)
        #expect(bytes == stored && raw.size == size && raw.totalSize == size && raw.encoding != .identity)
        #expect(raw.etag == decoded.etag)
        let (part, some) = try get(Get(uri: "a", offset: 10, length: 20, isRaw: true), client, served)
        #expect(some == Array(stored[10..<30]) && part.size == 20 && part.totalSize == size && part.encoding == raw.encoding)
        for request in [Get(uri: "a", offset: 1), Get(uri: "a", length: 1), Get(uri: "a", length: 0)] {
            let error = failure { _ = try get(request, client, served) }
            #expect(error?.code == .conflict && error?.message.contains("raw") == true)
        }
        #expect(try served.finish() == [])
    }

    /// What is read whole is verified, raw or not; of a part the length is all that can be.
    @Test(arguments: [Compression.none, .zstd])
    func damagedObjects(compression: Compression) throws {
        let served = try ServedRig()
        let client = try served.client()
        try put(prose(100_000), compression, client, served)
        served.rig.store.tamper(with: "a") { $0[$0.count / 2] ^= 1 }
        for isRaw in [false, true] {
            #expect(failure { _ = try get(Get(uri: "a", isRaw: isRaw), client, served) }?.code == .corruptObject)
        }
        #expect(try get(Get(uri: "a", offset: 1, length: 100, isRaw: true), client, served).bytes.count == 100)
        #expect(try served.finish() == [])
    }

    private func put(_ content: [UInt8], _ compression: Compression, _ client: TestClient, _ served: ServedRig) throws {
        let file = try System.open(try served.rig.file(content), O_RDONLY)
        let put = Put(destination: "a", source: .descriptor, compression: compression, level: .stored)
        _ = try client.call(.put(put), descriptor: file.number)
    }

    private func get(_ request: Get, _ client: TestClient, _ served: ServedRig) throws -> (got: Got, bytes: [UInt8]) {
        let path = served.rig.directory.path + "/target"
        let target = try System.open(path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        guard case .got(let got) = try client.call(.get(request), descriptor: target.number) else {
            throw SupportError("not got")
        }
        let size = Int(try System.status(of: target.number).size)
        let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = try System.read(target.number, into: UnsafeMutableRawBufferPointer(buffer), at: 0)
        }
        return (got, bytes)
    }
}
