public import ArtifactModel

/// Decides how a source is encoded.
public enum CompressionChoice {
    /// The encoding for a source: the one that is named, always; under `auto` Zstandard where it pays, which a sample tells.
    /// - Throws: what reading the sample throws (`sourceChanged`, `sourceUnreadable`).
    public static func encoding(for compression: Compression, source: Source) throws(ArtifactError) -> ContentEncoding {
        switch compression {
        case .none: .identity
        case .gzip: .gzip
        case .zstd: .zstd
        case .auto: try shrinks(source) ? .zstd : .identity
        }
    }

    /// Below this size, in bytes, there is little to gain: a request costs the same, and any reader understands the bytes.
    private static let leastSize: UInt64 = 64 << 10
    /// How many spots of the source are looked at, and how many bytes at each.
    private static let spots = 8
    private static let spotSize = 32 << 10
    /// What must remain of the sample, at most.
    ///
    /// Measured with zstd 1: zip 1.00; 32-bit float weights, random and of a real sentence-transformer, 0.93; 16-bit floats 0.92;
    /// bfloat16 0.78; numbers in CSV 0.44; JSON lines 0.12. A tenth less to send is worth the CPU and a reader that must decode;
    /// what float weights give is not.
    private static let greatestShare = 0.9

    private static func shrinks(_ source: Source) throws(ArtifactError) -> Bool {
        if source.size < leastSize { return false }
        let compressor = try Compressor(encoding: .zstd)
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: spotSize, alignment: 16)
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: Compressor.bound(.zstd, spotSize), alignment: 16)
        defer {
            raw.deallocate()
            frame.deallocate()
        }
        // In the middles of equal stretches, not at the ends: there formats keep headers and directories, which shrink whatever the
        // content does (a real model's first and last 32 KiB shrank to 0.6).
        let count = min(spots, Int(source.size / UInt64(spotSize)))
        let stretch = source.size / UInt64(count)
        var encodedSize = 0
        for spot in 0..<count {
            try source.read(offset: stretch * UInt64(spot) + (stretch - UInt64(spotSize)) / 2, into: raw)
            encodedSize += try compressor.compress(UnsafeRawBufferPointer(raw), into: frame)
        }
        return Double(encodedSize) <= greatestShare * Double(count * spotSize)
    }
}
