/// The memory for parts, bounded.
///
/// Bytes are reserved before a part is read, and the reservation is the bound: a producer that gets none waits. One reservation,
/// one buffer, of at most the reserved size. Buffers that are given back are kept for the next while they, with those in use, stay
/// below the limit: fresh memory costs a fault a page. When there is nothing to do, `trim` frees what is kept.
public final class BufferPool: Sendable {
    /// Buffers up to this size, 128 KiB, come from the heap and are not kept: glibc is good at those.
    public static let heapLimit = 128 << 10

    private struct State {
        var reserved = 0
        /// Bytes of buffers in use, in whole pages where they are mapped.
        var live = 0
        /// Bytes of memory behind the buffers that are kept.
        var kept = 0
        var free: [Int: [Region]] = [:]
    }

    /// How many bytes may be reserved at once.
    public let limit: Int
    private let state = Monitor(State())

    /// A pool of at most `limit` bytes; takes no memory yet.
    public init(limit: Int) {
        self.limit = limit
    }

    /// How many bytes are reserved now.
    public var used: Int { state.withLock { $0.reserved } }

    /// Reserves bytes; false when they do not fit below the limit now.
    public func tryReserve(_ bytes: Int) -> Bool {
        precondition(bytes >= 0)
        return state.withLock { state in
            guard bytes <= limit - state.reserved else { return false }
            state.reserved += bytes
            return true
        }
    }

    /// Gives a reservation back, after its buffer.
    public func release(_ bytes: Int) {
        state.withLock { state in
            precondition((0...state.reserved).contains(bytes), "more bytes released than were reserved")
            state.reserved -= bytes
        }
    }

    /// A buffer for bytes that are reserved. What it holds is undefined until written.
    public func take(capacity: Int) -> PartBuffer {
        precondition(capacity >= 0)
        let isMapped = capacity > Self.heapLimit
        let size = isMapped ? Region.sizeClass(of: capacity) : capacity
        let length = isMapped ? Region.pages(of: capacity) : capacity
        let (reused, evicted) = state.withLock { state -> (Region?, [Region]) in
            let reused = isMapped ? Self.removeFree(ofSize: size, from: &state) : nil
            state.live += length
            return (reused, evict(from: &state))
        }
        for region in evicted { region.free() }
        guard isMapped else { return PartBuffer(pool: self, region: .heap(size: size), capacity: capacity) }
        var region = reused ?? .map(size: size)
        // Pages that a larger buffer touched are not this one's to hold.
        region.shrink(to: length)
        region.touched = length
        return PartBuffer(pool: self, region: region, capacity: capacity)
    }

    /// Takes a buffer back. Its bytes must not be used any more; its reservation stays until it is released.
    public func give(_ buffer: PartBuffer) {
        buffer.returnMemory()
    }

    /// Frees the buffers that are kept. For when the work is done.
    public func trim() {
        let freed = state.withLock { state in
            defer {
                state.free = [:]
                state.kept = 0
            }
            return state.free.values.flatMap { $0 }
        }
        for region in freed { region.free() }
    }

    /// Bytes of memory behind buffers in use and kept.
    var memory: Int { state.withLock { $0.live + $0.kept } }

    func takeBack(_ region: Region, capacity: Int) {
        let isKept = state.withLock { state in
            state.live -= region.isMapped ? Region.pages(of: capacity) : capacity
            guard region.isMapped, state.live + state.kept + region.touched <= limit else { return false }
            state.kept += region.touched
            state.free[region.size, default: []].append(region)
            return true
        }
        if !isKept { region.free() }
    }

    private static func removeFree(ofSize size: Int, from state: inout State) -> Region? {
        guard let region = state.free[size]?.popLast() else { return nil }
        if state.free[size]?.isEmpty == true { state.free[size] = nil }
        state.kept -= region.touched
        return region
    }

    /// Lets go of kept buffers until all memory is within the limit again.
    private func evict(from state: inout State) -> [Region] {
        var evicted: [Region] = []
        while state.live + state.kept > limit, let size = state.free.keys.first,
            let region = Self.removeFree(ofSize: size, from: &state)
        {
            evicted.append(region)
        }
        return evicted
    }
}
