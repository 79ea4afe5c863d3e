import ArtifactModel
import LinuxSystem
import Pipeline
import TestSupport
import Testing

@Suite struct CompressionChoiceTests {
    /// What is named is done, whatever the content and however small it is.
    @Test(arguments: [(Compression.none, ContentEncoding.identity), (.gzip, .gzip), (.zstd, .zstd)], [0, 1, 1_000_000])
    func namedIsDone(choice: (named: Compression, encoding: ContentEncoding), size: Int) throws {
        let source = Source.bytes(try SampleContent.random.make(count: size))
        #expect(try CompressionChoice.encoding(for: choice.named, source: source) == choice.encoding)
    }

    /// `auto` compresses what shrinks, and leaves alone what does not: at sizes around the sample's and well above.
    @Test(
        arguments: [
            (SampleContent.jsonLines, ContentEncoding.zstd), (.zeros, .zstd), (.random, .identity), (.deflated, .identity),
            (.float32, .identity),
        ], [64 << 10, 65_537, 100_000, 256 << 10, 262_145, 2_000_000])
    func autoFollowsTheContent(kind: (content: SampleContent, encoding: ContentEncoding), size: Int) throws {
        let source = Source.bytes(try kind.content.make(count: size))
        #expect(try CompressionChoice.encoding(for: .auto, source: source) == kind.encoding)
    }

    /// `auto` leaves everything below 64 KiB alone, the empty source too.
    @Test(arguments: [0, 1, 65_535])
    func autoLeavesSmallSourcesAlone(size: Int) throws {
        #expect(try CompressionChoice.encoding(for: .auto, source: .bytes(Array(repeating: 0, count: size))) == .identity)
    }

    /// A header and a directory that shrink well, as formats of weights have them, do not speak for what lies between.
    @Test func autoIgnoresBothEnds() throws {
        let weights = try SampleContent.float32.make(count: 2_000_000)
        let text = try SampleContent.jsonLines.make(count: 60_000)
        #expect(try CompressionChoice.encoding(for: .auto, source: .bytes(text + weights + text)) == .identity)
    }

    /// Content that shrinks in one half alone is worth it, whichever half that is.
    @Test func autoLooksAtTheWholeSource() throws {
        let noise = try SampleContent.random.make(count: 1_000_000)
        let text = try SampleContent.jsonLines.make(count: 1_000_000)
        #expect(try CompressionChoice.encoding(for: .auto, source: .bytes(noise + text)) == .zstd)
        #expect(try CompressionChoice.encoding(for: .auto, source: .bytes(text + noise)) == .zstd)
    }

    /// A file that was cut since the hand-over is found out, not guessed at.
    @Test func changedSourceIsFoundOut() throws {
        let directory = try TemporaryDirectory()
        try WholeFile.write(Array(repeating: 0, count: 100_000), to: "\(directory.path)/source")
        let descriptor = SharedDescriptor(try System.open("\(directory.path)/source", 0))
        var fingerprint = SourceFingerprint(try System.status(of: descriptor.number))
        fingerprint.size = 1 << 40
        let error = #expect(throws: ArtifactError.self) {
            try CompressionChoice.encoding(for: .auto, source: .file(descriptor, fingerprint))
        }
        #expect(error?.code == .sourceChanged)
    }
}
