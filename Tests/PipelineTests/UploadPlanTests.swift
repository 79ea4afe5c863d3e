import ArtifactModel
import Pipeline
import Testing

/// The plan's rules one by one. Sizes are tiny: nothing depends on their scale.
@Suite struct UploadPlanTests {
    typealias Part = UploadPlan.Part

    /// Under identity each chunk is a part of its own, and the last one is what is left.
    @Test func identityCutsPartsOnTheGrid() throws {
        var plan = try identity(size: 20, chunkSize: 8)
        let chunks = claimAll(&plan)
        #expect(chunks.map(\.index) == [0, 1, 2])
        #expect(chunks.map(\.offset) == [0, 8, 16])
        #expect(chunks.map(\.length) == [8, 8, 4])
        #expect(!plan.hasClaimable)
        #expect(try plan.deliver(chunks[0], encodedSize: 8) == [.append(chunk: 0), .cut(part(1, 0, 8, 0, 8), isLast: false)])
        #expect(plan.partCount == nil && plan.objectSize == nil)
        #expect(try plan.deliver(chunks[1], encodedSize: 8) == [.append(chunk: 1), .cut(part(2, 8, 8, 8, 8), isLast: false)])
        #expect(try plan.deliver(chunks[2], encodedSize: 4) == [.append(chunk: 2), .cut(part(3, 16, 4, 16, 4), isLast: true)])
        #expect(plan.partCount == 3 && plan.objectSize == 20)
    }

    /// A source that ends with the grid has no empty part behind it.
    @Test func noEmptyTail() throws {
        var plan = try identity(size: 16, chunkSize: 8)
        let steps = try claimAll(&plan).flatMap { try plan.deliver($0, encodedSize: $0.length) }
        #expect(steps.last == .cut(part(2, 8, 8, 8, 8), isLast: true))
    }

    /// A part ends with the frame by which it reaches the target; the last part may be smaller.
    @Test func encodedPartsAreRunsOfWholeFrames() throws {
        var plan = try encoded(size: 60, chunkSize: 10, target: 12, minimum: 12)
        let chunks = claimAll(&plan)
        let steps = try zip(chunks, [5, 6, 3, 12, 4, 1]).flatMap { try plan.deliver($0, encodedSize: $1) }
        #expect(
            steps == [
                .append(chunk: 0), .append(chunk: 1), .append(chunk: 2), .cut(part(1, 0, 30, 0, 14), isLast: false),
                .append(chunk: 3), .cut(part(2, 30, 10, 14, 12), isLast: false),
                .append(chunk: 4), .append(chunk: 5), .cut(part(3, 40, 20, 26, 5), isLast: true),
            ])
        #expect(plan.objectSize == 31)
    }

    /// An empty source is one empty chunk and one part, the last: under identity of no bytes, else of an empty frame.
    @Test(arguments: [(ContentEncoding.identity, 0), (.gzip, 20)])
    func emptySource(encoding: ContentEncoding, frame: Int) throws {
        var plan = try UploadPlan(size: 0, encoding: encoding, partTarget: 100, chunkSize: 100, minimumPartSize: 50)
        let claimed = plan.claim()
        let only = try #require(claimed)
        #expect(only.index == 0 && only.offset == 0 && only.length == 0)
        #expect(plan.claim() == nil)
        let whole = part(1, 0, 0, 0, UInt64(frame))
        #expect(try plan.deliver(only, encodedSize: frame) == [.append(chunk: 0), .cut(whole, isLast: true)])
        plan.sent(1)
        #expect(plan.isComplete)
        let resumed = try UploadPlan(
            size: 0, encoding: encoding, partTarget: 100, chunkSize: 100, minimumPartSize: 50, done: [whole])
        #expect(resumed.isComplete && !resumed.hasClaimable)
    }

    /// A small source is one part that is first and last: one request stores it.
    @Test func smallSourceIsOnePart() throws {
        var plan = try encoded(size: 25, chunkSize: 10, target: 1000, minimum: 500)
        let steps = try claimAll(&plan).flatMap { try plan.deliver($0, encodedSize: 3) }
        #expect(steps.last == .cut(part(1, 0, 25, 0, 9), isLast: true))
    }

    /// Frames that come in any order are appended in the object's; those that came early wait.
    @Test func framesMayArriveInAnyOrder() throws {
        var plan = try encoded(size: 50, chunkSize: 10, target: 10, minimum: 1)
        let chunks = claimAll(&plan)
        #expect(plan.outstandingChunks == 5)
        #expect(try plan.deliver(chunks[3], encodedSize: 4).isEmpty)
        #expect(try plan.deliver(chunks[1], encodedSize: 6).isEmpty)
        #expect(plan.outstandingChunks == 5)
        #expect(
            try plan.deliver(chunks[0], encodedSize: 5) == [
                .append(chunk: 0), .append(chunk: 1), .cut(part(1, 0, 20, 0, 11), isLast: false),
            ])
        #expect(plan.outstandingChunks == 3)
        #expect(
            try plan.deliver(chunks[2], encodedSize: 7) == [
                .append(chunk: 2), .append(chunk: 3), .cut(part(2, 20, 20, 11, 11), isLast: false),
            ])
        #expect(try plan.deliver(chunks[4], encodedSize: 1) == [.append(chunk: 4), .cut(part(3, 40, 10, 22, 1), isLast: true)])
        #expect(plan.outstandingChunks == 0)
    }

    /// Progress counts the source's bytes in parts that were sent; complete is what is wholly sent, not what is wholly cut.
    @Test func progressCountsSentParts() throws {
        var plan = try identity(size: 20, chunkSize: 8)
        for chunk in claimAll(&plan) { _ = try plan.deliver(chunk, encodedSize: chunk.length) }
        #expect(plan.unsentParts == 3 && plan.rawBytesDone == 0)
        plan.sent(3)
        #expect(plan.unsentParts == 2 && plan.rawBytesDone == 4)
        plan.sent(1)
        #expect(!plan.isComplete)
        plan.sent(2)
        #expect(plan.isComplete && plan.unsentParts == 0 && plan.rawBytesDone == 20)
    }

    // MARK: Resuming

    /// Chunks of done parts are not claimed, whatever the order the parts are given in, and the rest gets its old numbers:
    /// at once, in whatever order its chunks are delivered.
    @Test func doneIdentityPartsAreLeftOut() throws {
        var plan = try identity(
            size: 44, chunkSize: 8, done: [part(6, 40, 4, 40, 4), part(2, 8, 8, 8, 8), part(4, 24, 8, 24, 8)])
        #expect(plan.rawBytesDone == 20)
        let chunks = claimAll(&plan)
        #expect(chunks.map(\.index) == [0, 2, 4])
        let steps = try chunks.reversed().flatMap { try plan.deliver($0, encodedSize: 8) }
        #expect(
            steps == [
                .append(chunk: 4), .cut(part(5, 32, 8, 32, 8), isLast: false), .append(chunk: 2),
                .cut(part(3, 16, 8, 16, 8), isLast: false), .append(chunk: 0), .cut(part(1, 0, 8, 0, 8), isLast: false),
            ])
        #expect(plan.partCount == 6 && plan.objectSize == 44)
        for number in [1, 3, 5] { plan.sent(number) }
        #expect(plan.isComplete && plan.rawBytesDone == 44)
    }

    /// Parts at the beginning are passed at once: what follows is numbered after them.
    @Test func resumesBehindDoneParts() throws {
        var plan = try encoded(
            size: 50, chunkSize: 10, target: 10, minimum: 5, done: [part(1, 0, 20, 0, 11), part(2, 20, 10, 11, 13)])
        let chunks = claimAll(&plan)
        #expect(chunks.map(\.index) == [3, 4])
        #expect(try plan.deliver(chunks[0], encodedSize: 4) == [.append(chunk: 3)])
        #expect(try plan.deliver(chunks[1], encodedSize: 4) == [.append(chunk: 4), .cut(part(3, 30, 20, 24, 8), isLast: true)])
    }

    /// Nothing is left to do when all parts are done.
    @Test func allPartsDone() throws {
        let plan = try encoded(
            size: 50, chunkSize: 10, target: 10, minimum: 5, done: [part(1, 0, 20, 0, 11), part(2, 20, 30, 11, 3)])
        #expect(plan.isComplete && !plan.hasClaimable)
        #expect(plan.partCount == 2 && plan.objectSize == 14 && plan.rawBytesDone == 50)
    }

    /// A part is cut where a done part begins, though below the target; the done part then continues it.
    @Test func partIsCutWhereADonePartBegins() throws {
        var plan = try encoded(size: 50, chunkSize: 10, target: 100, minimum: 8, done: [part(2, 20, 10, 9, 30)])
        let chunks = claimAll(&plan)
        #expect(chunks.map(\.index) == [0, 1, 3, 4])
        let steps = try zip(chunks, [4, 5, 6, 7]).flatMap { try plan.deliver($0, encodedSize: $1) }
        #expect(
            steps == [
                .append(chunk: 0), .append(chunk: 1), .cut(part(1, 0, 20, 0, 9), isLast: false), .append(chunk: 3),
                .append(chunk: 4), .cut(part(3, 30, 20, 39, 13), isLast: true),
            ])
    }

    /// Frames of another size than in the earlier run move the done part's place in the object: the upload cannot continue.
    @Test func changedFramesBeforeADonePart() throws {
        var plan = try encoded(size: 50, chunkSize: 10, target: 100, minimum: 8, done: [part(2, 20, 10, 9, 30)])
        let chunks = claimAll(&plan)
        _ = try plan.deliver(chunks[0], encodedSize: 4)
        let mismatch = #expect(throws: PlanMismatch.self) { try plan.deliver(chunks[1], encodedSize: 6) }
        #expect(mismatch?.reason.contains("part 2 of the earlier run begins at byte 9") == true)
    }

    /// So do frames that make more parts than there were.
    @Test func morePartsBeforeADonePart() throws {
        var plan = try encoded(size: 50, chunkSize: 10, target: 8, minimum: 1, done: [part(2, 20, 10, 9, 30)])
        let chunks = claimAll(&plan)
        _ = try plan.deliver(chunks[0], encodedSize: 8)
        let mismatch = #expect(throws: PlanMismatch.self) { try plan.deliver(chunks[1], encodedSize: 1) }
        #expect(mismatch?.reason.contains("now makes it part 3 at byte 9") == true)
    }

    /// A part that would be smaller than the store takes is never handed out, unless it is the last.
    @Test func forcedPartBelowTheMinimum() throws {
        var plan = try encoded(size: 50, chunkSize: 10, target: 100, minimum: 10, done: [part(2, 20, 10, 9, 30)])
        let chunks = claimAll(&plan)
        _ = try plan.deliver(chunks[0], encodedSize: 4)
        let mismatch = #expect(throws: PlanMismatch.self) { try plan.deliver(chunks[1], encodedSize: 5) }
        #expect(mismatch?.reason.contains("no less than 10") == true)
    }

    /// Done parts that cannot belong to such an upload are refused at once, with the part's number in the reason: a corrupt
    /// journal, another part size, another source.
    @Test(arguments: [
        ("off the grid", [Part(number: 1, rawOffset: 0, rawLength: 15, offset: 0, size: 12)]),
        ("begins off the grid", [Part(number: 1, rawOffset: 5, rawLength: 5, offset: 0, size: 12)]),
        ("beyond the source", [Part(number: 2, rawOffset: 40, rawLength: 20, offset: 12, size: 12)]),
        ("begins beyond the source", [Part(number: 2, rawOffset: 60, rawLength: 0, offset: 12, size: 12)]),
        ("so large that it overflows", [Part(number: 2, rawOffset: 40, rawLength: .max, offset: 12, size: 12)]),
        ("an object that overflows", [Part(number: 2, rawOffset: 40, rawLength: 10, offset: .max, size: 12)]),
        ("empty", [Part(number: 2, rawOffset: 10, rawLength: 0, offset: 12, size: 12)]),
        ("number 0", [Part(number: 0, rawOffset: 0, rawLength: 10, offset: 0, size: 12)]),
        ("first but not number 1", [Part(number: 2, rawOffset: 0, rawLength: 10, offset: 0, size: 12)]),
        ("number 1 but not first", [Part(number: 1, rawOffset: 10, rawLength: 10, offset: 12, size: 12)]),
        ("first but not at 0", [Part(number: 1, rawOffset: 0, rawLength: 10, offset: 1, size: 12)]),
        ("later but at 0", [Part(number: 2, rawOffset: 10, rawLength: 10, offset: 0, size: 12)]),
        ("more parts before it than chunks", [Part(number: 4, rawOffset: 20, rawLength: 10, offset: 30, size: 12)]),
        ("below the minimum", [Part(number: 1, rawOffset: 0, rawLength: 10, offset: 0, size: 9)]),
        (
            "twice",
            [
                Part(number: 1, rawOffset: 0, rawLength: 10, offset: 0, size: 12),
                Part(number: 1, rawOffset: 0, rawLength: 10, offset: 0, size: 12),
            ]
        ),
        (
            "overlapping",
            [
                Part(number: 1, rawOffset: 0, rawLength: 20, offset: 0, size: 12),
                Part(number: 2, rawOffset: 10, rawLength: 10, offset: 12, size: 12),
            ]
        ),
        (
            "adjoining, with a gap in the object",
            [
                Part(number: 1, rawOffset: 0, rawLength: 10, offset: 0, size: 12),
                Part(number: 2, rawOffset: 10, rawLength: 10, offset: 13, size: 12),
            ]
        ),
        (
            "adjoining, with a gap in the numbers",
            [
                Part(number: 1, rawOffset: 0, rawLength: 10, offset: 0, size: 12),
                Part(number: 3, rawOffset: 10, rawLength: 10, offset: 12, size: 12),
            ]
        ),
        (
            "consecutive, with a gap in the source",
            [
                Part(number: 1, rawOffset: 0, rawLength: 10, offset: 0, size: 12),
                Part(number: 2, rawOffset: 20, rawLength: 10, offset: 12, size: 12),
            ]
        ),
        (
            "numbers against the source's order",
            [
                Part(number: 2, rawOffset: 0, rawLength: 10, offset: 0, size: 12),
                Part(number: 1, rawOffset: 30, rawLength: 10, offset: 12, size: 12),
            ]
        ),
    ])
    func impossibleDoneParts(what: String, done: [Part]) {
        let mismatch = #expect(throws: PlanMismatch.self, "\(what)") {
            try encoded(size: 50, chunkSize: 10, target: 12, minimum: 10, done: done)
        }
        #expect(mismatch?.reason.contains("of the earlier run") == true)
    }

    /// Under identity a done part must be the chunk of its number, as it is.
    @Test(arguments: [
        Part(number: 1, rawOffset: 0, rawLength: 16, offset: 0, size: 16),
        Part(number: 2, rawOffset: 16, rawLength: 8, offset: 16, size: 8),
        Part(number: 2, rawOffset: 8, rawLength: 8, offset: 9, size: 8),
        Part(number: 2, rawOffset: 8, rawLength: 8, offset: 8, size: 9),
    ])
    func impossibleIdentityPart(done: Part) {
        #expect(throws: PlanMismatch.self) { try identity(size: 44, chunkSize: 8, done: [done]) }
    }

    // MARK: Part sizes

    /// The preferred part size, as long as the parts suffice; beyond, the least whole MiB that does.
    @Test(arguments: [
        (0 as UInt64, 8 as UInt64), (1 << 30, 8), (10 << 30, 8), (80_000 << 20, 9), (100 << 30, 11), (1 << 40, 105),
        (5 << 40, 525),
    ])
    func partSizeGrows(size: UInt64, mebibytes: UInt64) {
        #expect(UploadPlan.partSize(forSize: size, preferred: 8 << 20, maximumParts: 10_000) == mebibytes << 20)
    }

    /// Parts of that size suffice at every size, also for frames that grew by what codecs may add.
    @Test func partSizeSuffices() throws {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<1000 {
            let size = UInt64.random(in: 0...(5 << 40), using: &generator) >> UInt64.random(in: 0...30, using: &generator)
            let partSize = UploadPlan.partSize(forSize: size, preferred: 8 << 20, maximumParts: 10_000)
            #expect(partSize % (1 << 20) == 0)
            // igzip's stored blocks are the most that either codec adds.
            let added = (size / (1 << 20) + 1) * UInt64(Compressor.bound(.gzip, 1 << 20) - 1 << 20)
            #expect((size + added + partSize - 1) / partSize <= 10_000)
        }
    }

    // MARK: Shorthands

    private func identity(size: UInt64, chunkSize: UInt64, done: [Part] = []) throws(PlanMismatch) -> UploadPlan {
        try UploadPlan(
            size: size, encoding: .identity, partTarget: chunkSize, chunkSize: chunkSize, minimumPartSize: 5, done: done)
    }

    private func encoded(
        size: UInt64, chunkSize: UInt64, target: UInt64, minimum: UInt64, done: [Part] = []
    ) throws(PlanMismatch) -> UploadPlan {
        try UploadPlan(
            size: size, encoding: .zstd, partTarget: target, chunkSize: chunkSize, minimumPartSize: minimum, done: done)
    }

    private func claimAll(_ plan: inout UploadPlan) -> [UploadPlan.Chunk] {
        var chunks: [UploadPlan.Chunk] = []
        while let chunk = plan.claim() { chunks.append(chunk) }
        return chunks
    }

    private func part(
        _ number: Int, _ rawOffset: UInt64, _ rawLength: UInt64, _ offset: UInt64, _ size: UInt64
    ) -> Part {
        Part(number: number, rawOffset: rawOffset, rawLength: rawLength, offset: offset, size: size)
    }
}
