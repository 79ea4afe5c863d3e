import ArtifactModel
import NIOCore

/// The bytes of one answer, in their order: read piece by piece, the next one while one is sent, decoded and verified.
struct OutgoingBytes {
    private let object: ObjectReader
    private let facts: ObjectReader.Facts
    private let wanted: Range<UInt64>
    private let decoder: OutgoingDecoder
    private var piece: ObjectPiece?
    private var following: Task<ObjectPiece, any Error>?
    /// Where in the object the piece that follows begins.
    private var start: UInt64
    /// How much of the piece has been used.
    private var used: UInt64 = 0
    /// The last that were decoded: they wait until more follow, or all are verified. A client that lacks them knows that something is
    /// wrong.
    private var held: ByteBuffer?

    /// Reads the first piece.
    /// - Parameter wanted: the bytes as they lie in the store.
    init(
        of object: ObjectReader, _ facts: ObjectReader.Facts, _ wanted: Range<UInt64>, through decoder: OutgoingDecoder
    ) async throws {
        self.object = object
        self.facts = facts
        self.wanted = wanted
        self.decoder = decoder
        start = wanted.lowerBound
        if let range = nextRange { piece = try await object.piece(range, of: facts) }
        start += piece?.size ?? 0
    }

    /// The next bytes of the answer; nil when there are no more.
    /// - Throws: why it must break off.
    mutating func next() async throws -> ByteBuffer? {
        while let bytes = try await decode() {
            guard bytes.readableBytes > 0 else { continue }
            if let ready = held {
                held = bytes
                return ready
            }
            held = bytes
        }
        try decoder.finish()
        return held.take()
    }

    private mutating func decode() async throws -> ByteBuffer? {
        while let current = piece {
            readAhead()
            if used < current.size {
                let (bytes, count) = try await current.read(from: used, through: decoder)
                used += UInt64(count)
                return bytes
            }
            piece = try await following?.value
            following = nil
            start += piece?.size ?? 0
            used = 0
        }
        return nil
    }

    private mutating func readAhead() {
        guard following == nil, let range = nextRange else { return }
        following = Task { [object, facts] in try await object.piece(range, of: facts) }
    }

    private var nextRange: Range<UInt64>? {
        start < wanted.upperBound ? start..<min(wanted.upperBound, start + ObjectReader.pieceSize) : nil
    }
}
