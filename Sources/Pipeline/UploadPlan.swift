public import ArtifactModel

/// Which bytes of the source become which part of the object.
///
/// The source is cut into chunks on a fixed grid. Each chunk becomes one frame, and a part is a run of consecutive whole frames:
/// the first that together reach `partTarget` bytes. Under `identity` each chunk is a part by itself. The last part is what is
/// left. An empty source is one empty chunk, so that there is always a part.
///
/// Several threads take chunks, encode them and bring their sizes back in any order; the steps that follow come in the order of
/// the object, or at once under `identity`, where parts do not depend on each other. The plan does no I/O and knows no buffer, clock or thread; the driver keeps it under a lock.
///
///     while let chunk = plan.claim() { … read and encode; then
///         for step in try plan.deliver(chunk, encodedSize: n) { … append to the part's buffer, or send it; then
///             plan.sent(number) } }
///
/// **Resuming.** `done` holds the parts that an earlier run brought into the store: any of them, in any order. Their chunks are
/// not claimed again. A part is cut short where such a part begins, and must then continue the numbers and the offsets of the
/// object exactly; it does when the codec makes the same frames as before. Where it does not, `PlanMismatch` is thrown, and the
/// upload starts afresh.
public struct UploadPlan: Sendable {
    /// The source's size in bytes.
    public let size: UInt64

    private let encoding: ContentEncoding
    private let chunkSize: UInt64
    private let chunkCount: Int
    private let partTarget: UInt64
    private let minimumPartSize: UInt64
    /// By rising place, none overlapping another.
    private let done: [DonePart]

    /// The chunk that is claimed next; `chunkCount` when none is left.
    private var nextClaim = 0
    /// The first of the done parts that the claims have not passed yet.
    private var nextDoneToClaimAround = 0
    private var claimedCount = 0

    /// Encoded sizes by chunk, of those that wait for one before them.
    private var delivered: [Int: UInt64] = [:]
    /// The chunk that is appended next; `chunkCount` when the object is complete.
    private var nextAppend = 0
    /// The first of the done parts that the object has not reached yet.
    private var nextDoneToPass = 0
    private var appendedCount = 0

    /// The part being filled: its first chunk, its number, where it begins in the object, and how long it is by now.
    private var partStart = 0
    private var partNumber = 1
    private var partOffset: UInt64 = 0
    private var partSize: UInt64 = 0

    /// The raw lengths, by number, of the parts that were cut and are not sent yet.
    private var unsent: [Int: UInt64] = [:]

    /// How many bytes of the source are in the store by now, those of an earlier run included.
    public private(set) var rawBytesDone: UInt64 = 0

    private struct DonePart {
        let part: Part
        let chunks: Range<Int>
    }

    /// A plan for a source of `size` bytes.
    /// - Parameter partTarget: under a compressing encoding, the encoded size that completes a part; at least `minimumPartSize`.
    /// - Parameter chunkSize: the grid. Under `identity` it is the part size, and at least `minimumPartSize`.
    /// - Parameter minimumPartSize: the least size that the store takes for a part other than the last.
    /// - Parameter done: the parts of this same upload that the store already has.
    /// - Throws: `PlanMismatch` when `done` cannot be parts of such an upload.
    public init(
        size: UInt64, encoding: ContentEncoding, partTarget: UInt64, chunkSize: UInt64, minimumPartSize: UInt64, done: [Part] = []
    ) throws(PlanMismatch) {
        precondition(chunkSize > 0, "an empty grid has no chunks")
        precondition(
            (encoding == .identity ? chunkSize : partTarget) >= minimumPartSize, "parts would be smaller than the store takes")
        self.size = size
        self.encoding = encoding
        self.chunkSize = chunkSize
        self.partTarget = partTarget
        self.minimumPartSize = minimumPartSize
        let chunkCount = Int(max(1, size / chunkSize + (size % chunkSize == 0 ? 0 : 1)))
        self.chunkCount = chunkCount

        var placed: [DonePart] = []
        for part in done.sorted(by: { $0.number < $1.number }) {
            let chunks = try Self.place(part, onGridOf: chunkSize, size: size, chunkCount: chunkCount)
            let next = DonePart(part: part, chunks: chunks)
            try Self.check(next, after: placed.last, isLast: chunks.upperBound == chunkCount, encoding, minimumPartSize)
            placed.append(next)
            rawBytesDone += part.rawLength
        }
        self.done = placed
        claimAroundDoneParts()
        try passDoneParts()
    }

    // MARK: Chunks

    /// Whether `claim` has a chunk to give.
    public var hasClaimable: Bool { nextClaim < chunkCount }

    /// How many chunks are claimed and not yet appended: what the driver holds in buffers outside parts.
    public var outstandingChunks: Int { claimedCount - appendedCount }

    /// The next chunk to read, by rising offset; nil when all are taken.
    public mutating func claim() -> Chunk? {
        guard hasClaimable else { return nil }
        let offset = UInt64(nextClaim) * chunkSize
        let chunk = Chunk(index: nextClaim, offset: offset, length: Int(min(chunkSize, size - offset)))
        nextClaim += 1
        claimedCount += 1
        claimAroundDoneParts()
        return chunk
    }

    /// Takes the size of a claimed chunk's frame, and says what is to be done now: under a compressing encoding nothing while a
    /// chunk before it is missing.
    /// - Returns: the steps, to be carried out in that order.
    /// - Throws: `PlanMismatch` when what was made now does not lead up to a part of the earlier run. The plan is then of no
    ///   further use.
    public mutating func deliver(_ chunk: Chunk, encodedSize: Int) throws(PlanMismatch) -> [Step] {
        precondition(
            chunk.index >= nextAppend && chunk.index < nextClaim && delivered[chunk.index] == nil,
            "a chunk is delivered once, after it was claimed")
        precondition(encoding != .identity || encodedSize == chunk.length, "identity does not change a chunk's length")
        if encoding == .identity { return [.append(chunk: chunk.index), cutAlone(chunk)] }
        delivered[chunk.index] = UInt64(encodedSize)
        var steps: [Step] = []
        while let frameSize = delivered.removeValue(forKey: nextAppend) {
            steps.append(.append(chunk: nextAppend))
            nextAppend += 1
            appendedCount += 1
            partSize += frameSize
            let reachesDonePart = nextDoneToPass < done.count && done[nextDoneToPass].chunks.lowerBound == nextAppend
            if partSize >= partTarget || nextAppend == chunkCount || reachesDonePart {
                steps.append(try cut())
                try passDoneParts()
            }
        }
        return steps
    }

    // MARK: Parts

    /// Takes note that the store has this part, which was cut before.
    public mutating func sent(_ number: Int) {
        guard let rawLength = unsent.removeValue(forKey: number) else {
            preconditionFailure("part \(number) was not waiting to be sent")
        }
        rawBytesDone += rawLength
    }

    /// How many parts were cut and are not sent yet.
    public var unsentParts: Int { unsent.count }

    /// How many parts the object has, once the last one was cut.
    public var partCount: Int? { isCut ? (encoding == .identity ? chunkCount : partNumber - 1) : nil }

    /// The object's size in bytes, once the last part was cut.
    public var objectSize: UInt64? { isCut ? (encoding == .identity ? size : partOffset) : nil }

    /// Whether the store has all parts.
    public var isComplete: Bool { isCut && unsent.isEmpty }

    /// Whether every part has been cut, by this run or an earlier one.
    private var isCut: Bool { encoding == .identity ? appendedCount + done.count == chunkCount : nextAppend == chunkCount }

    /// Under `identity` where a part goes depends on no other part: nothing waits for the chunks before it.
    private mutating func cutAlone(_ chunk: Chunk) -> Step {
        let length = UInt64(chunk.length)
        let part = Part(
            number: chunk.index + 1, rawOffset: chunk.offset, rawLength: length, offset: chunk.offset, size: length)
        precondition(unsent.updateValue(length, forKey: part.number) == nil, "a chunk is delivered once, after it was claimed")
        appendedCount += 1
        return .cut(part, isLast: part.number == chunkCount)
    }

    private mutating func cut() throws(PlanMismatch) -> Step {
        let rawOffset = UInt64(partStart) * chunkSize
        let isLast = nextAppend == chunkCount
        let rawEnd = isLast ? size : UInt64(nextAppend) * chunkSize
        let part = Part(
            number: partNumber, rawOffset: rawOffset, rawLength: rawEnd - rawOffset, offset: partOffset, size: partSize)
        if !isLast && part.size < minimumPartSize {
            throw PlanMismatch(
                "part \(part.number) has only \(part.size) bytes before part \(part.number + 1) of the earlier run begins, "
                    + "and the store takes no less than \(minimumPartSize)")
        }
        unsent[part.number] = part.rawLength
        partStart = nextAppend
        partNumber += 1
        partOffset += partSize
        partSize = 0
        return .cut(part, isLast: isLast)
    }

    // MARK: Parts of an earlier run

    private mutating func claimAroundDoneParts() {
        while nextDoneToClaimAround < done.count, done[nextDoneToClaimAround].chunks.lowerBound == nextClaim {
            nextClaim = done[nextDoneToClaimAround].chunks.upperBound
            nextDoneToClaimAround += 1
        }
    }

    private mutating func passDoneParts() throws(PlanMismatch) {
        while nextDoneToPass < done.count, done[nextDoneToPass].chunks.lowerBound == nextAppend {
            let next = done[nextDoneToPass]
            guard next.part.number == partNumber, next.part.offset == partOffset else {
                throw PlanMismatch(
                    "part \(next.part.number) of the earlier run begins at byte \(next.part.offset) of the object, "
                        + "but what comes before it now makes it part \(partNumber) at byte \(partOffset)")
            }
            nextDoneToPass += 1
            nextAppend = next.chunks.upperBound
            partStart = nextAppend
            partNumber += 1
            partOffset += next.part.size
        }
    }

    /// The chunks that a done part holds.
    private static func place(
        _ part: Part, onGridOf chunkSize: UInt64, size: UInt64, chunkCount: Int
    ) throws(PlanMismatch) -> Range<Int> {
        guard part.number >= 1, part.rawOffset <= size, part.rawLength <= size - part.rawOffset,
            !part.offset.addingReportingOverflow(part.size).overflow
        else { throw PlanMismatch("part \(part.number) of the earlier run reaches beyond the source of \(size) bytes") }
        let rawEnd = part.rawOffset + part.rawLength
        guard part.rawOffset % chunkSize == 0, rawEnd == size || rawEnd % chunkSize == 0, part.rawLength > 0 || size == 0 else {
            throw PlanMismatch(
                "part \(part.number) of the earlier run holds the bytes \(part.rawOffset)..<\(rawEnd) of the source, "
                    + "which are no whole chunks of \(chunkSize)")
        }
        return Int(part.rawOffset / chunkSize)..<(rawEnd == size ? chunkCount : Int(rawEnd / chunkSize))
    }

    /// Whether a done part can stand where it does, after the done part before it.
    private static func check(
        _ next: DonePart, after previous: DonePart?, isLast: Bool, _ encoding: ContentEncoding, _ minimumPartSize: UInt64
    ) throws(PlanMismatch) {
        let part = next.part
        if encoding == .identity {
            guard next.chunks.count == 1, part.number == next.chunks.upperBound, part.offset == part.rawOffset,
                part.size == part.rawLength
            else { throw PlanMismatch("part \(part.number) of the earlier run is not the chunk of that number") }
        } else if part.size < minimumPartSize && !isLast {
            throw PlanMismatch(
                "part \(part.number) of the earlier run has \(part.size) bytes, and the store takes no less than \(minimumPartSize)"
            )
        }
        let number = previous?.part.number ?? 0
        let chunk = previous?.chunks.upperBound ?? 0
        let offset = previous.map { $0.part.offset + $0.part.size } ?? 0
        let follows = part.number == number + 1 && next.chunks.lowerBound == chunk && part.offset == offset
        // Between them at least one part, of at least one chunk and one byte.
        let leavesRoom =
            part.number > number + 1 && next.chunks.lowerBound - chunk >= part.number - number - 1 && part.offset > offset
        guard follows || leavesRoom else {
            throw PlanMismatch(
                "part \(part.number) of the earlier run, at byte \(part.rawOffset) of the source and \(part.offset) of the object, "
                    + "does not fit what stands before it")
        }
    }
}
