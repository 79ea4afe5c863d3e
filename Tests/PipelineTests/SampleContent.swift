import ArtifactModel
import Pipeline
import TestSupport

/// Kinds of content that training really produces, of any size, by seed.
enum SampleContent: CaseIterable {
    case jsonLines
    case random
    /// What a zip, a png or a parquet file is made of.
    case deflated
    /// Weights of a network: normally distributed 32-bit floats.
    case float32
    case zeros

    func make(count: Int, seed: UInt64 = 1) throws -> [UInt8] {
        switch self {
        case .jsonLines:
            var generator = SeededGenerator(seed: seed)
            var text: [UInt8] = []
            text.reserveCapacity(count + 200)
            var step = 0
            while text.count < count {
                let loss = Double(generator.next() >> 40) / 1e7
                let rate = Double(generator.next() >> 50) / 1e9
                text += #"{"step": \#(step), "epoch": \#(step / 500), "loss": \#(loss), "learning_rate": \#(rate), "#.utf8
                text += #""phase": "\#(step % 10 == 0 ? "validate" : "train")", "host": "node-\#(generator.next() % 8)"}"#.utf8
                text.append(0x0A)
                step += 1
            }
            return Array(text.prefix(count))
        case .random:
            return SeededBytes.make(seed: seed, count: count)
        case .deflated:
            // JSON lines shrink about four times.
            return Array(try frame(.gzip, Self.jsonLines.make(count: count * 8, seed: seed)).prefix(count))
        case .float32:
            var generator = SeededGenerator(seed: seed)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count + 4)
            while bytes.count < count {
                // The sum of twelve uniform numbers is close to normal.
                let normal = (0..<12).reduce(Float(-6)) { sum, _ in sum + Float(generator.next() >> 40) / 16_777_216 }
                withUnsafeBytes(of: (normal * 0.02).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
            return Array(bytes.prefix(count))
        case .zeros:
            return Array(repeating: 0, count: count)
        }
    }
}

/// One frame of these bytes, by a compressor of its own unless one is given.
func frame(_ encoding: ContentEncoding, _ raw: [UInt8], by compressor: Compressor? = nil) throws -> [UInt8] {
    let compressor = try compressor ?? Compressor(encoding: encoding)
    let bound = Compressor.bound(encoding, raw.count)
    return try [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
        count = try raw.withUnsafeBytes { try compressor.compress($0, into: UnsafeMutableRawBufferPointer(buffer)) }
    }
}

/// What an object decodes to when it arrives in pieces of at most `piece` bytes.
func decoded(_ object: [UInt8], _ encoding: ContentEncoding, piece: Int = .max) throws -> [UInt8] {
    let decoder = try StreamDecoder(encoding: encoding)
    var content: [UInt8] = []
    var position = 0
    while position < object.count {
        let end = position + min(piece, object.count - position)
        try object[position..<end].withUnsafeBytes { bytes throws in
            try decoder.decode(bytes) { run throws(ArtifactError) in content.append(contentsOf: run) }
        }
        position = end
    }
    try decoder.finish()
    return content
}
