/// Memory for one part, filled from its beginning. Belongs to one thread at a time.
///
/// Page-aligned when larger than `BufferPool.heapLimit`. Returned to its pool by `BufferPool.give`, or when it is dropped.
public final class PartBuffer: @unchecked Sendable {
    // Unchecked: handed from one thread to the next, never used by two.
    private let pool: BufferPool
    private var region: Region?

    /// How many bytes may be held.
    public let capacity: Int

    /// How many bytes are held, from the beginning. Set it after writing through `base`.
    public var count = 0 {
        willSet { precondition((0...capacity).contains(newValue), "\(newValue) bytes do not fit a buffer of \(capacity)") }
    }

    init(pool: BufferPool, region: Region, capacity: Int) {
        self.pool = pool
        self.region = region
        self.capacity = capacity
    }

    deinit {
        returnMemory()
    }

    /// The first byte. Not to be used after the buffer was given back.
    public var base: UnsafeMutableRawPointer {
        guard let region else { preconditionFailure("the buffer was given back") }
        return region.base
    }

    /// The bytes held, valid until the buffer is given back or dropped.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The room behind the bytes held, to be written to before `count` is raised.
    public var unused: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    }

    /// Copies bytes behind those held; traps when they do not fit.
    public func append(_ more: UnsafeRawBufferPointer) {
        precondition(more.count <= capacity - count, "\(more.count) bytes more do not fit the buffer")
        unused.copyMemory(from: more)
        count += more.count
    }

    /// Gives the memory back to the pool, once.
    func returnMemory() {
        guard let region else { return }
        self.region = nil
        pool.takeBack(region, capacity: capacity)
    }
}
