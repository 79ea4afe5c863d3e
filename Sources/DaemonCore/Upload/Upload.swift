import ArtifactModel
import Journal
import ObjectStore
import Pipeline
import Synchronization
import WorkerPool

/// One job while workers upload it. Several may work on it at once; its state is behind a lock of its own, which is taken after the
/// dispatcher's where both are held.
///
/// An upload that ends for whatever reason is settled by the last worker to leave it. What was done is in the journal; a later
/// attempt goes on from there, exactly as after a restart of the daemon: there is no other way to resume.
final class Upload: Sendable {
    let sequence: Int64
    let id: JobID
    let tenant: String
    let destination: String
    let size: UInt64
    /// Which store, an index into `Stores.all`.
    let store: Int
    let key: ObjectKey
    /// How often it was put off in a row before.
    let delays: Int

    /// What workers hold in common, once one of them has prepared it.
    struct Prepared: Sendable {
        var source: Source
        var encoding: ContentEncoding
        var uploadID: String
        /// What a part buffer must hold.
        var partCapacity: Int
        /// The memory that a compressing upload works in; 0 where each part is reserved by itself.
        var window: Int
    }

    /// Why the upload ends.
    enum Ending: Sendable {
        /// The object is in the store.
        case stored(StoredFacts)
        /// For good, until somebody retries it.
        case failed(ArtifactError)
        /// For now: it is tried again later by itself.
        case waiting(ArtifactError)
        /// What was sent so far is of no use: it begins afresh.
        case afresh(String)
        /// The source has new content, which the job's policy takes.
        case renewed(SourceFingerprint)
        /// On request.
        case cancelled
        /// The job is not pending any more.
        case gone
        /// The daemon is stopping.
        case stopping
    }

    private struct State {
        var units = 1
        var ending: Ending?
        /// Whether somebody wants it cancelled and was not heard yet.
        var isCancelled = false
        /// Whether a worker has taken the duty to settle.
        var isSettling = false
        var prepared: Prepared?
        var plan: UploadPlan?
        var frames: [Int: Frame] = [:]
        var filling = Filling()
        var parts: [Int: PartRecord] = [:]
        var hasWindow = false
        var bytesDone: UInt64 = 0
        var openUploadID: String?
    }

    /// A chunk that was read and encoded, waiting for those before it.
    private struct Frame: Sendable {
        var buffer: PartBuffer
        var rawCheck: CRC
    }

    /// The part that frames are being appended to.
    private struct Filling: Sendable {
        var buffer: PartBuffer?
        var rawCheck = CRC.empty(.crc32c)
    }

    /// A part that is ready to be sent.
    struct ReadyPart: Sendable {
        var part: UploadPlan.Part
        var buffer: PartBuffer
        /// Of the part's source bytes.
        var rawCheck: CRC
    }

    private let state = Mutex(State())
    private let vain = Atomic(false)

    /// An upload with one worker on it.
    init(_ entry: JobQueue.Entry, _ target: Stores.Target) {
        sequence = entry.sequence
        id = entry.id
        tenant = entry.tenant
        destination = entry.destination
        size = entry.size
        delays = entry.delays
        store = target.store
        key = target.key
    }

    // MARK: Life

    /// Lets further workers in.
    /// - Returns: all parts, by number, when the store has them all already: nobody else will find out.
    func prepare(_ prepared: Prepared, plan: UploadPlan, done: [PartRecord]) -> [PartRecord]? {
        state.withLock { state in
            state.prepared = prepared
            state.bytesDone = plan.rawBytesDone
            state.plan = plan
            for part in done { state.parts[part.number] = part }
            return Self.allParts(state)
        }
    }

    var prepared: Prepared? { state.withLock { $0.prepared } }

    /// The multipart upload that is open in the store; nil for none.
    var openUploadID: String? {
        get { state.withLock { $0.openUploadID } }
        set { state.withLock { $0.openUploadID = newValue } }
    }

    /// Bytes of the source that are in the store.
    var bytesDone: UInt64 { state.withLock { $0.bytesDone } }

    /// Ends the upload; what was said first counts.
    func end(_ ending: Ending) {
        state.withLock { state in
            if case .cancelled = ending { state.isCancelled = true }
            guard state.ending == nil else { return }
            state.ending = ending
            // A part that is being sent at the stop is of use after the restart.
            if case .stopping = ending { return }
            vain.store(true, ordering: .relaxed)
        }
    }

    /// Whether somebody has wanted it cancelled; asked a second time, false.
    func takeCancellation() -> Bool {
        state.withLock { state in
            defer { state.isCancelled = false }
            return state.isCancelled
        }
    }

    /// Whether what is still being sent for it is sent in vain.
    var isInVain: Bool { vain.load(ordering: .relaxed) }

    var isEnding: Bool { state.withLock { $0.ending != nil } }

    /// A worker leaves. The last one of an ending upload gets the ending, and with it the duty to settle.
    func leave() -> Ending? {
        state.withLock { state in
            state.units -= 1
            guard state.units == 0, let ending = state.ending else { return nil }
            state.isSettling = true
            state.frames = [:]
            state.filling = Filling()
            return ending
        }
    }

    /// Lets a worker in to settle an upload that was ended while no worker was on it; false when there is nothing to settle.
    func enterToSettle() -> Bool {
        state.withLock { state in
            guard Self.isAbandoned(state) else { return false }
            state.units = 1
            return true
        }
    }

    /// Whether a worker could do something: take a chunk, or settle what was ended while no worker was on it.
    var hasWork: Bool {
        state.withLock { state in
            Self.isAbandoned(state) || (state.ending == nil && state.plan?.hasClaimable ?? false)
        }
    }

    private static func isAbandoned(_ state: State) -> Bool { state.ending != nil && state.units == 0 && !state.isSettling }

    // MARK: Chunks

    /// What the dispatcher may give to a worker.
    enum Claim {
        /// This chunk, for which so many bytes are reserved and to be released when the worker leaves.
        case chunk(UploadPlan.Chunk, reserved: Int)
        /// Nothing now: workers have it all.
        case nothing
        /// Nothing now: there is no memory for it.
        case noMemory
    }

    /// Takes the next chunk, and the memory for it.
    /// - Parameter reserveWindow: reserves a compressing upload's memory; false when there is none now.
    func claim(from buffers: BufferPool, reserveWindow: (Int) -> Bool) -> Claim {
        state.withLock { state in
            guard state.ending == nil, let prepared = state.prepared, var plan = state.plan, plan.hasClaimable else {
                return .nothing
            }
            var reserved = 0
            if prepared.window == 0 {
                reserved = prepared.partCapacity + UploadSizing.connection
                guard buffers.tryReserve(reserved) else { return .noMemory }
            } else {
                if !state.hasWindow {
                    guard reserveWindow(prepared.window) else { return .noMemory }
                    state.hasWindow = true
                }
                let chunkCost = UploadSizing.chunk + Compressor.bound(prepared.encoding, UploadSizing.chunk)
                let used = (plan.outstandingChunks + 1) * chunkCost + (plan.unsentParts + 2) * prepared.partCapacity
                guard used <= prepared.window else { return .nothing }
            }
            guard let chunk = plan.claim() else {
                buffers.release(reserved)
                return .nothing
            }
            state.plan = plan
            state.units += 1
            return .chunk(chunk, reserved: reserved)
        }
    }

    /// The memory that a compressing upload holds until it is settled; 0 while it has none.
    var heldWindow: Int { state.withLock { $0.hasWindow ? $0.prepared?.window ?? 0 : 0 } }

    /// Takes a chunk's bytes as they go into the object.
    /// - Returns: the parts that are complete with it.
    /// - Throws: `PlanMismatch` when this upload cannot go on from what an earlier run has sent.
    func deliver(
        _ chunk: UploadPlan.Chunk, _ buffer: PartBuffer, rawCheck: CRC, buffers: BufferPool
    ) throws(PlanMismatch) -> [ReadyPart] {
        try state.withLock { state throws(PlanMismatch) in
            guard state.ending == nil, let prepared = state.prepared, state.plan != nil else { return [] }
            state.frames[chunk.index] = Frame(buffer: buffer, rawCheck: rawCheck)
            var ready: [ReadyPart] = []
            for step in try state.plan?.deliver(chunk, encodedSize: buffer.count) ?? [] {
                switch step {
                case .append(let index):
                    guard let frame = state.frames.removeValue(forKey: index) else { continue }
                    state.filling.rawCheck = state.filling.rawCheck.joined(with: frame.rawCheck)
                    if prepared.window == 0 {
                        state.filling.buffer = frame.buffer
                    } else {
                        let filling = state.filling.buffer ?? buffers.take(capacity: prepared.partCapacity)
                        filling.append(frame.buffer.bytes)
                        state.filling.buffer = filling
                        buffers.give(frame.buffer)
                    }
                case .cut(let part, _):
                    guard let buffer = state.filling.buffer else { continue }
                    ready.append(ReadyPart(part: part, buffer: buffer, rawCheck: state.filling.rawCheck))
                    state.filling = Filling()
                }
            }
            return ready
        }
    }

    /// Takes note of a part that the store has confirmed.
    /// - Returns: all parts, by number, when this was the last one.
    func sent(_ record: PartRecord) -> [PartRecord]? {
        state.withLock { state in
            state.parts[record.number] = record
            state.plan?.sent(record.number)
            state.bytesDone = state.plan?.rawBytesDone ?? state.bytesDone
            return Self.allParts(state)
        }
    }

    /// All parts, by number, when none is missing.
    private static func allParts(_ state: State) -> [PartRecord]? {
        guard let plan = state.plan, plan.isComplete else { return nil }
        return state.parts.values.sorted { $0.number < $1.number }
    }
}
