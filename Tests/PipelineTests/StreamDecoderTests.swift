import ArtifactModel
import Pipeline
import TestSupport
import Testing

@Suite struct StreamDecoderTests {
    static let encodings = [ContentEncoding.gzip, .zstd]

    /// Several frames, arriving in pieces of any size down to single bytes, decode to the whole content.
    @Test(arguments: [ContentEncoding.identity, .gzip, .zstd], [1, 2, 7, 1000, 65_536, .max])
    func piecesOfAnySize(encoding: ContentEncoding, piece: Int) throws {
        let raw = try SampleContent.jsonLines.make(count: 60_000)
        var object: [UInt8] = []
        for part in [raw[..<25_000], raw[25_000..<25_000], raw[25_000...]] { object += try frame(encoding, Array(part)) }
        try expectSameBytes(decoded(object, encoding, piece: piece), raw)
    }

    /// What inflates a thousandfold is passed on in runs of bounded size.
    @Test(arguments: encodings)
    func outputIsBounded(encoding: ContentEncoding) throws {
        let size = 8 << 20
        let object = try frame(encoding, Array(repeating: 0, count: size))
        let decoder = try StreamDecoder(encoding: encoding)
        var runs: [Int] = []
        try object.withUnsafeBytes { bytes throws in
            try decoder.decode(bytes) { run throws(ArtifactError) in runs.append(run.count) }
        }
        try decoder.finish()
        #expect(runs.reduce(0, +) == size)
        #expect(runs.allSatisfy { $0 <= 256 << 10 && $0 > 0 })
    }

    /// Content that fills the output buffer exactly, or misses that by one, is whole.
    @Test(arguments: encodings, [(256 << 10) - 1, 256 << 10, (256 << 10) + 1, 512 << 10])
    func contentAroundTheBufferSize(encoding: ContentEncoding, size: Int) throws {
        for content in [SampleContent.zeros, .random] {
            let raw = try content.make(count: size)
            let object = try frame(encoding, raw)
            let made = try decoded(object + object, encoding)
            expectSameBytes(made, raw + raw)
            let inPieces = try decoded(object + object, encoding, piece: object.count)
            expectSameBytes(inPieces, raw + raw)
        }
    }

    /// What the codec has decoded and found no room for comes out too, when nothing of the frame is left to arrive.
    @Test func outputHeldBackComesOut() throws {
        // RFC 8878, section 3.1.1: no checksum, a window of 1 MiB, and blocks that repeat one byte 100,000, 131,072 and 131,072
        // times. The third overflows the output buffer.
        var object: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 10 << 3]
        for (size, isLast) in [(100_000, 0), (131_072, 0), (131_072, 1)] {
            let header = isLast | 1 << 1 | size << 3
            object += [UInt8(header & 0xFF), UInt8(header >> 8 & 0xFF), UInt8(header >> 16), UInt8(ascii: "a")]
        }
        try expectSameBytes(decoded(object, .zstd), Array(repeating: UInt8(ascii: "a"), count: 362_144))
    }

    /// An object cut anywhere but between two frames is corrupt, and so is an empty one.
    @Test(arguments: encodings)
    func truncation(encoding: ContentEncoding) throws {
        let first = try frame(encoding, Array("the first frame, the first frame".utf8))
        let second = try frame(encoding, Array("the second frame".utf8))
        let object = first + second
        for length in 0...object.count {
            let cut = Array(object[..<length])
            if length == first.count || length == object.count {
                #expect(throws: Never.self) { try decoded(cut, encoding) }
            } else {
                let error = #expect(throws: ArtifactError.self, "cut to \(length)") { try decoded(cut, encoding) }
                #expect(error?.code == .corruptObject)
            }
        }
    }

    /// Bytes behind the last frame that are none are not taken for padding, whether they come with it or later.
    @Test(arguments: encodings, [[0], [0, 0, 0, 0, 0, 0], Array("garbage".utf8)] as [[UInt8]])
    func trailingGarbage(encoding: ContentEncoding, garbage: [UInt8]) throws {
        let object = try frame(encoding, Array("content".utf8)) + garbage
        for piece in [object.count, object.count - garbage.count, 1] {
            let error = #expect(throws: ArtifactError.self) { try decoded(object, encoding, piece: piece) }
            #expect(error?.code == .corruptObject)
        }
    }

    /// No flip of one bit goes unnoticed, but in the few header bits that carry no meaning for the content.
    @Test(arguments: encodings)
    func flippedBits(encoding: ContentEncoding) throws {
        let raw = try SampleContent.jsonLines.make(count: 2000)
        let object = try frame(encoding, raw)
        for index in object.indices {
            for bit in 0..<8 {
                var broken = object
                broken[index] ^= 1 << UInt8(bit)
                do {
                    let content = try decoded(broken, encoding)
                    #expect(content == raw, "bit \(bit) of byte \(index)")
                } catch let error as ArtifactError {
                    #expect(error.code == .corruptObject)
                }
            }
        }
    }

    /// Objects of other makers decode too: the stock tools', with names, times and several levels.
    @Test(arguments: [
        (ContentEncoding.gzip, "gzip -6"), (.gzip, "gzip -9 -N"), (.zstd, "zstd -q -19"), (.zstd, "zstd -q --no-check"),
    ])
    func stockToolsObjects(encoding: ContentEncoding, command: String) throws {
        let raw = try SampleContent.jsonLines.make(count: 700_000)
        let directory = try TemporaryDirectory()
        try WholeFile.write(raw, to: "\(directory.path)/content")
        let made = try ChildProcess.run(["sh", "-c", #"\#(command) -c "$0"/content > "$0"/object"#, directory.path])
        #expect(made.status == 0, "\(made.output)")
        let content = try decoded(WholeFile.read("\(directory.path)/object"), encoding, piece: 10_000)
        expectSameBytes(content, raw)
    }

    /// What the receiver throws ends the decoding and comes out unchanged.
    @Test(arguments: [ContentEncoding.identity, .gzip, .zstd])
    func receiversErrorComesOut(encoding: ContentEncoding) throws {
        let object = try frame(encoding, Array("content".utf8))
        let decoder = try StreamDecoder(encoding: encoding)
        let full = ArtifactError(.localStorageFailed, "the disk is full")
        #expect(throws: full) {
            try object.withUnsafeBytes { bytes throws in try decoder.decode(bytes) { _ throws(ArtifactError) in throw full } }
        }
    }

    /// A Zstandard frame that asks for a window above 128 MiB is refused before that memory is taken.
    @Test func hugeWindowIsRefused() throws {
        // RFC 8878, section 3.1.1.1.2: an exponent of 18 (bits 3 to 7) is a window of 256 MiB.
        let header: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 18 << 3, 0x01, 0x00, 0x00]
        let error = #expect(throws: ArtifactError.self) { try decoded(header, .zstd) }
        #expect(error?.code == .corruptObject)
        let allowed: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 17 << 3, 0x01, 0x00, 0x00]
        #expect(try decoded(allowed, .zstd).isEmpty)
    }
}
