import ArtifactModel
import Pipeline
import TestSupport
import Testing

@Suite struct CompressorTests {
    static let sizes = [0, 1, 100, 65_534, 65_535, 65_536, 131_070, 131_071, 1 << 20]

    /// One call makes one frame, within the bound, that decodes to its input: for every kind of content and size.
    @Test(arguments: [ContentEncoding.identity, .gzip, .zstd], SampleContent.allCases)
    func frameDecodesToItsInput(encoding: ContentEncoding, content: SampleContent) throws {
        let compressor = try Compressor(encoding: encoding)
        for size in Self.sizes {
            let raw = try content.make(count: size)
            let frame = try frame(encoding, raw, by: compressor)
            #expect(frame.count <= Compressor.bound(encoding, size))
            #expect(encoding == .identity || !frame.isEmpty)
            let content = try decoded(frame, encoding)
            expectSameBytes(content, raw)
        }
    }

    /// The same input makes the same frame, whatever the compressor did before and however much room there is: resuming relies
    /// on it.
    @Test(arguments: [ContentEncoding.gzip, .zstd], SampleContent.allCases)
    func framesAreDeterministic(encoding: ContentEncoding, content: SampleContent) throws {
        let raw = try content.make(count: 300_000, seed: 1)
        let first = try frame(encoding, raw)
        let used = try Compressor(encoding: encoding)
        for other in SampleContent.allCases {
            _ = try frame(encoding, other.make(count: 200_000, seed: 2), by: used)
            let again = try frame(encoding, raw, by: used)
            expectSameBytes(again, first)
        }
        let roomy = try [UInt8](unsafeUninitializedCapacity: Compressor.bound(encoding, raw.count) * 2) { buffer, count in
            count = try raw.withUnsafeBytes { try used.compress($0, into: UnsafeMutableRawBufferPointer(buffer)) }
        }
        expectSameBytes(roomy, first)
    }

    /// Frames do not depend on what the compressor's memory held before it was the compressor's.
    @Test(arguments: [ContentEncoding.gzip, .zstd])
    func framesDoNotDependOnOldMemory(encoding: ContentEncoding) throws {
        let raw = try SampleContent.jsonLines.make(count: 300_000)
        let expected = try frame(encoding, raw)
        for pattern in 1...15 as ClosedRange<UInt16> {
            // Blocks of the size that the codec asks for, so that the allocator hands it one of these.
            let blocks = (60...100).map { kibibytes in
                let block = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: kibibytes << 9)
                block.initialize(repeating: pattern)
                return block
            }
            blocks.forEach { $0.deallocate() }
            let again = try frame(encoding, raw)
            expectSameBytes(again, expected)
        }
    }

    /// JSON lines shrink to less than a third, and what cannot shrink grows by less than a thousandth.
    @Test(arguments: [ContentEncoding.gzip, .zstd])
    func sizesAreReasonable(encoding: ContentEncoding) throws {
        let lines = try frame(encoding, SampleContent.jsonLines.make(count: 1 << 20))
        #expect(lines.count < 1 << 20 / 3)
        let noise = try frame(encoding, SampleContent.random.make(count: 1 << 20))
        #expect(noise.count < 1 << 20 + 1 << 10)
    }

    /// A gzip member's header holds no time and no name, so nothing of the machine is in the object.
    @Test func gzipHeaderIsBare() throws {
        // RFC 1952, section 2.3: magic, method 8, no flags, no time.
        let member = try frame(.gzip, Array("text".utf8))
        #expect(member.prefix(8) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0])
    }

    /// A Zstandard frame states its content's size and ends with a checksum of it.
    @Test func zstdFrameIsSelfDescribing() throws {
        // RFC 8878, section 3.1.1.1.1: bit 2 is the checksum flag; a size of 4 bytes needs the single segment flag, bit 5.
        let frame = try frame(.zstd, Array("text".utf8))
        #expect(frame.prefix(4) == [0x28, 0xB5, 0x2F, 0xFD])
        #expect(frame[4] & 0b0010_0100 == 0b0010_0100)
        #expect(frame[5] == 4)
    }

    /// A buffer that is too small is a failure that says so, never a cut frame.
    @Test(arguments: [ContentEncoding.gzip, .zstd])
    func tooLittleRoomFails(encoding: ContentEncoding) throws {
        let compressor = try Compressor(encoding: encoding)
        let raw = SeededBytes.make(seed: 1, count: 1000)
        var buffer = [UInt8](repeating: 0, count: 500)
        let error = #expect(throws: ArtifactError.self) {
            try raw.withUnsafeBytes { raw in try buffer.withUnsafeMutableBytes { try compressor.compress(raw, into: $0) } }
        }
        #expect(error?.code == .internalFault)
    }

    /// Names are told apart by codec and level, and carry the library's version.
    @Test func codecNames() {
        #expect(Compressor.codecName(.identity) == "identity")
        #expect(Compressor.codecName(.gzip).wholeMatch(of: /isal \d+\.\d+\.\d+ level 1/) != nil)
        #expect(Compressor.codecName(.zstd).wholeMatch(of: /zstd \d+\.\d+\.\d+ level 1/) != nil)
    }

    /// What the stock tool makes of frames one after the other, empty ones among them, is the input, byte for byte; and its test
    /// passes.
    @Test(arguments: [(ContentEncoding.gzip, "gzip"), (.zstd, "zstd")], SampleContent.allCases)
    func stockToolDecodesConcatenatedFrames(tool: (encoding: ContentEncoding, name: String), content: SampleContent) throws {
        let raw = try content.make(count: 3_000_000)
        let compressor = try Compressor(encoding: tool.encoding)
        var object = try frame(tool.encoding, [], by: compressor)
        for start in stride(from: 0, to: raw.count, by: 1 << 20) {
            object += try frame(tool.encoding, Array(raw[start..<min(start + 1 << 20, raw.count)]), by: compressor)
        }
        object += try frame(tool.encoding, [], by: compressor)

        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/object.\(tool.name == "gzip" ? "gz" : "zst")"
        let output = "\(directory.path)/output"
        try WholeFile.write(object, to: file)
        let tested = try ChildProcess.run([tool.name, "-q", "-t", file])
        #expect(tested.status == 0, "\(tested.output)")
        let undone = try ChildProcess.run(["sh", "-c", #"\#(tool.name) -d -c "$0" > "$1""#, file, output])
        #expect(undone.status == 0, "\(undone.output)")
        let made = try WholeFile.read(output)
        expectSameBytes(made, raw)
    }

    /// The encoding of an empty source is an object that the stock tool takes for an empty file.
    @Test(arguments: [(ContentEncoding.gzip, "gzip"), (.zstd, "zstd")])
    func stockToolDecodesNothing(tool: (encoding: ContentEncoding, name: String)) throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/object.\(tool.name == "gzip" ? "gz" : "zst")"
        try WholeFile.write(frame(tool.encoding, []), to: file)
        let undone = try ChildProcess.run([tool.name, "-d", "-c", file])
        #expect(undone.status == 0)
        #expect(undone.output == "")
    }
}
