import ArtifactModel
import Pipeline
import TestSupport
import Testing

@testable import GatewayCore

/// Objects on their way out.
struct OutgoingDecoderTests {
    /// A small object of zeros comes out in steps that stay small, and whole.
    @Test(arguments: [ContentEncoding.gzip, .zstd])
    func stepsAreBounded(encoding: ContentEncoding) throws {
        let size = 256 << 20
        let object = try Self.zeros(size, encoding)
        #expect(object.count < 1 << 20)
        let decoder = try OutgoingDecoder(undoing: encoding, size: UInt64(size), checksum: nil)
        var (used, total, largest) = (0, 0, 0)
        while used < object.count {
            let end = min(object.count, used + 65_536)
            let step = try object[used..<end].withUnsafeBytes { try decoder.decode($0) }
            used += step.used
            total += step.bytes.readableBytes
            largest = max(largest, step.bytes.readableBytes)
        }
        try decoder.finish()
        #expect(total == size && largest <= 1 << 20)
    }

    /// Too few bytes, too many, and others than were stored are found out.
    @Test func verifies() throws {
        let bytes = SeededBytes.make(seed: 5, count: 100_000)
        let good = "crc32c:\(bytes.withUnsafeBytes { Checksummer.crc(.crc32c, $0) }.base64)"
        func outcome(_ bytes: [UInt8], size: UInt64?, checksum: String?) throws -> ArtifactError.Code? {
            let decoder = try OutgoingDecoder(undoing: .identity, size: size, checksum: checksum)
            do {
                for half in [bytes[..<50_000], bytes[50_000...]] { _ = try half.withUnsafeBytes { try decoder.decode($0) } }
                try decoder.finish()
                return nil
            } catch let error as ArtifactError {
                return error.code
            }
        }
        #expect(try outcome(bytes, size: 100_000, checksum: good) == nil)
        #expect(try outcome(bytes, size: nil, checksum: nil) == nil)
        #expect(try outcome(bytes, size: 99_999, checksum: nil) == .corruptObject)
        #expect(try outcome(bytes, size: 100_001, checksum: nil) == .corruptObject)
        #expect(try outcome(bytes.reversed(), size: 100_000, checksum: good) == .corruptObject)
    }

    /// An object that ends in the middle of a frame is not taken for a whole one.
    @Test func isTruncated() throws {
        let object = try Self.zeros(1_000_000, .zstd).dropLast(3)
        let decoder = try OutgoingDecoder(undoing: .zstd, size: nil, checksum: nil)
        _ = try object.withUnsafeBytes { try decoder.decode($0) }
        #expect(throws: ArtifactError.self) { try decoder.finish() }
    }

    /// Zeros as the daemon would store them: many frames.
    private static func zeros(_ size: Int, _ encoding: ContentEncoding) throws -> [UInt8] {
        let compressor = try Compressor(encoding: encoding)
        let run = [UInt8](repeating: 0, count: min(size, 16 << 20))
        var frame = [UInt8](repeating: 0, count: Compressor.bound(encoding, run.count))
        let length = try run.withUnsafeBytes { input in
            try frame.withUnsafeMutableBytes { output in try compressor.compress(input, into: output) }
        }
        return [[UInt8]](repeating: Array(frame[..<length]), count: max(1, size / run.count)).flatMap(\.self)
    }
}
