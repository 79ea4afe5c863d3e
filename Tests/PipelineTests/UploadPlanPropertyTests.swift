import ArtifactModel
import Pipeline
import Testing

/// The plan under random sizes, orders and crashes: whatever happens, the object in the store is the source, whole.
@Suite struct UploadPlanPropertyTests {
    /// An upload that is cut off again and again, each time with some of the parts in the store known to the journal, ends with an
    /// object whose parts follow one another and hold each chunk once, and sends no journalled part again.
    @Test(arguments: 0..<400)
    func interruptedUploadsEndWhole(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var upload = SimulatedUpload(using: &generator)
        for run in 0..<1000 {
            let survives = run == 999 || Int.random(in: 0..<6, using: &generator) == 0
            let steps = survives ? Int.max : Int.random(in: 0...40, using: &generator)
            let ended = try upload.run(for: steps, frames: 0, using: &generator)
            if ended { break }
        }
        try upload.expectWhole()
    }

    /// When the codec makes other frames after a crash, the upload either continues exactly or says that it cannot: it never ends
    /// with an object whose parts do not join. Started afresh, it ends whole.
    @Test(arguments: 0..<400)
    func otherFramesAreNeverJoinedWrongly(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var upload = SimulatedUpload(using: &generator)
        _ = try upload.run(for: Int.random(in: 0...60, using: &generator), frames: 0, using: &generator)
        do {
            _ = try upload.run(for: .max, frames: 1, using: &generator)
        } catch is PlanMismatch {
            upload.startAfresh()
            _ = try upload.run(for: .max, frames: 1, using: &generator)
        }
        try upload.expectWhole()
    }

    /// The same with real frames: what the parts in the store decode to, one after the other, is the source.
    @Test(arguments: [ContentEncoding.identity, .gzip, .zstd], 0..<6 as Range<UInt64>)
    func realFramesDecodeToTheSource(encoding: ContentEncoding, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let content = try SampleContent.jsonLines.make(count: Int.random(in: 0...600_000, using: &generator), seed: seed)
        let chunkSize = 16 << 10
        let compressor = try Compressor(encoding: encoding)
        var journal: [UploadPlan.Part: [UInt8]] = [:]
        while true {
            let before = Set(journal.keys)
            var plan = try UploadPlan(
                size: UInt64(content.count), encoding: encoding, partTarget: 12 << 10, chunkSize: UInt64(chunkSize),
                minimumPartSize: 8 << 10, done: before.shuffled(using: &generator))
            var frames: [Int: [UInt8]] = [:]
            var filling: [UInt8] = []
            while !plan.isComplete {
                var claimed: [UploadPlan.Chunk] = []
                while claimed.count < 4, let chunk = plan.claim() { claimed.append(chunk) }
                for chunk in claimed.shuffled(using: &generator) {
                    let raw = Array(content[Int(chunk.offset)..<Int(chunk.offset) + chunk.length])
                    let frame = try frame(encoding, raw, by: compressor)
                    frames[chunk.index] = frame
                    for step in try plan.deliver(chunk, encodedSize: frame.count) {
                        switch step {
                        case .append(let index):
                            let appended = try #require(frames[index])
                            filling += appended
                            frames[index] = nil
                        case .cut(let part, _):
                            #expect(part.size == UInt64(filling.count))
                            #expect(!before.contains(part))
                            journal[part] = filling
                            filling = []
                            plan.sent(part.number)
                        }
                    }
                }
                if Int.random(in: 0..<8, using: &generator) == 0 { break }
            }
            if plan.isComplete { break }
            // A crash loses what the journal has not seen.
            for part in journal.keys where !before.contains(part) && Bool.random(using: &generator) { journal[part] = nil }
        }
        let object = journal.sorted { $0.key.number < $1.key.number }.flatMap(\.value)
        try expectSameBytes(decoded(object, encoding), content)
    }
}

/// An upload without bytes: frames are only sizes, the store only a set of parts.
private struct SimulatedUpload {
    let size: UInt64
    let encoding: ContentEncoding
    let chunkSize: UInt64
    let partTarget: UInt64
    let minimumPartSize: UInt64
    let threads: Int
    let frameSeed: UInt64

    /// What the store has, by number, with the chunks each part was made of.
    private var store: [Int: (part: UploadPlan.Part, chunks: [Int])] = [:]
    /// What the journal knows of it.
    private var journal: [UploadPlan.Part] = []

    init(using generator: inout SeededGenerator) {
        encoding = [.identity, .gzip, .zstd].randomElement(using: &generator) ?? .identity
        chunkSize = UInt64.random(in: 1...50, using: &generator)
        let chunks = UInt64.random(in: 0...60, using: &generator)
        // On the grid, one off it, or anywhere.
        let odd = [0, 1, UInt64.random(in: 0...chunkSize, using: &generator)].randomElement(using: &generator) ?? 0
        size = chunks * chunkSize + odd
        partTarget = UInt64.random(in: 1...200, using: &generator)
        minimumPartSize = UInt64.random(in: 0...(encoding == .identity ? chunkSize : partTarget), using: &generator)
        threads = Int.random(in: 1...8, using: &generator)
        frameSeed = generator.next()
    }

    /// Goes on with the upload for a number of events at most, as a crash would cut it off.
    /// - Parameter frames: which frames the codec makes: the same number, the same frames.
    /// - Returns: whether the upload is complete.
    mutating func run(for events: Int, frames: UInt64, using generator: inout SeededGenerator) throws -> Bool {
        let done = Set(journal.map(\.number))
        var plan = try UploadPlan(
            size: size, encoding: encoding, partTarget: partTarget, chunkSize: chunkSize, minimumPartSize: minimumPartSize,
            done: journal.shuffled(using: &generator))
        var claimed: [UploadPlan.Chunk] = []
        var cut: [UploadPlan.Part] = []
        var filling: [Int] = []
        var left = events
        while !plan.isComplete && left > 0 {
            left -= 1
            switch Int.random(in: 0..<3, using: &generator) {
            case 0 where claimed.count < threads:
                guard let chunk = plan.claim() else { continue }
                let doneRange = journal.contains { $0.rawOffset <= chunk.offset && chunk.offset < $0.rawOffset + $0.rawLength }
                #expect(!doneRange, "chunk \(chunk.index) is in a done part")
                claimed.append(chunk)
            case 1 where !claimed.isEmpty:
                let chunk = claimed.remove(at: Int.random(in: 0..<claimed.count, using: &generator))
                let frame = frameSize(of: chunk, frames)
                for step in try plan.deliver(chunk, encodedSize: frame) {
                    switch step {
                    case .append(let index):
                        filling.append(index)
                    case .cut(let part, let isLast):
                        #expect(!done.contains(part.number))
                        #expect(isLast == (part.rawOffset + part.rawLength == size))
                        #expect(isLast || part.size >= minimumPartSize)
                        store[part.number] = (part, filling)
                        filling = []
                        cut.append(part)
                    }
                }
            case 2 where !cut.isEmpty:
                let part = cut.remove(at: Int.random(in: 0..<cut.count, using: &generator))
                plan.sent(part.number)
                journal.append(part)
            default:
                continue
            }
            #expect(plan.unsentParts == cut.count)
            #expect(plan.rawBytesDone == journal.reduce(0) { $0 + $1.rawLength })
        }
        if plan.isComplete {
            #expect(claimed.isEmpty && plan.outstandingChunks == 0 && !plan.hasClaimable)
            #expect(plan.partCount == journal.count)
            #expect(plan.objectSize == journal.reduce(0) { $0 + $1.size })
            #expect(plan.rawBytesDone == size)
        }
        return plan.isComplete
    }

    mutating func startAfresh() {
        store = [:]
        journal = []
    }

    func expectWhole() throws {
        let parts = journal.sorted { $0.number < $1.number }
        #expect(parts.map(\.number) == Array(1...parts.count))
        var chunks: [Int] = []
        var rawOffset: UInt64 = 0
        var offset: UInt64 = 0
        for part in parts {
            #expect(part.rawOffset == rawOffset && part.offset == offset)
            rawOffset += part.rawLength
            offset += part.size
            let stored = try #require(store[part.number])
            #expect(stored.part == part)
            chunks += stored.chunks
        }
        #expect(rawOffset == size)
        #expect(chunks == Array(0..<Int(max(1, (size + chunkSize - 1) / chunkSize))))
    }

    /// Any size from a byte to a little more than the chunk, by chunk and codec.
    private func frameSize(of chunk: UploadPlan.Chunk, _ frames: UInt64) -> Int {
        if encoding == .identity { return chunk.length }
        var generator = SeededGenerator(seed: frameSeed ^ UInt64(chunk.index) << 8 ^ frames)
        return Int.random(in: 1...chunk.length + 5, using: &generator)
    }
}
