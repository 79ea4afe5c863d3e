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
        // Spread from the first byte to the last, without overlapping.
        let count = min(spots, Int(source.size / UInt64(spotSize)))
        let room = source.size - UInt64(spotSize)
        var encodedSize = 0
        for spot in 0..<count {
            try source.read(offset: room / UInt64(count - 1) * UInt64(spot), into: raw)
            encodedSize += try compressor.compress(UnsafeRawBufferPointer(raw), into: frame)
        }
        return Double(encodedSize) <= greatestShare * Double(count * spotSize)
    }
}
