import Testing

@testable import WorkerPool

@Suite struct BufferPoolTests {
    private static let mebi = 1 << 20

    /// No more is reserved than the limit, to the byte, and what is released can be reserved again.
    @Test func reservationsAreBounded() {
        let pool = BufferPool(limit: 100)
        #expect(pool.tryReserve(60))
        #expect(!pool.tryReserve(41))
        #expect(pool.tryReserve(40))
        #expect(!pool.tryReserve(1))
        #expect(pool.tryReserve(0))
        #expect(pool.used == 100)
        pool.release(60)
        #expect(pool.used == 40)
        #expect(!pool.tryReserve(.max))
        #expect(pool.tryReserve(60))
    }

    /// Threads that reserve at once never get more than the limit together.
    @Test func reservationsHoldBetweenThreads() throws {
        let pool = BufferPool(limit: 5)
        let highest = Monitor(0)
        let busy = Monitor(0)
        let threads = try WorkerThreads(count: 8, name: "reserve") { _ in
            for _ in 0..<2_000 where pool.tryReserve(2) {
                let now = busy.withLock { busy in
                    busy += 1
                    return busy
                }
                highest.withLock { $0 = max($0, now) }
                busy.withLock { $0 -= 1 }
                pool.release(2)
            }
        }
        threads.join()
        #expect(highest.withLock { (1...2).contains($0) })
        #expect(pool.used == 0)
    }

    /// Bytes are held in the order they came, up to the capacity.
    @Test func buffersHoldBytes() {
        let pool = BufferPool(limit: 10)
        let buffer = pool.take(capacity: 10)
        buffer.append(bytes: Array("hello".utf8))
        buffer.append(bytes: Array("world".utf8))
        #expect(buffer.bytes.elementsEqual("helloworld".utf8))
        #expect(buffer.unused.isEmpty)
        buffer.count = 0
        #expect(buffer.unused.count == 10)
        pool.give(buffer)
        #expect(pool.memory == 0)
    }

    /// An empty part has a buffer too.
    @Test func buffersMayBeEmpty() {
        let pool = BufferPool(limit: 0)
        #expect(pool.tryReserve(0))
        let buffer = pool.take(capacity: 0)
        #expect(buffer.bytes.isEmpty)
        pool.give(buffer)
    }

    /// A large buffer is page-aligned, and the next of about its size gets the same memory.
    @Test func largeBuffersAreKept() {
        let pool = BufferPool(limit: 16 * Self.mebi)
        let first = pool.take(capacity: 8 * Self.mebi)
        let address = first.base
        #expect(UInt(bitPattern: address) % UInt(Region.pageSize) == 0)
        pool.give(first)
        #expect(pool.memory == 8 * Self.mebi)
        let second = pool.take(capacity: 7 * Self.mebi + 5)
        #expect(second.base == address)
        #expect(second.capacity == 7 * Self.mebi + 5)
        #expect(second.count == 0)
        pool.give(second)
        pool.trim()
        #expect(pool.memory == 0)
    }

    /// A buffer that is dropped instead of given back is not lost to the pool.
    @Test func droppedBuffersComeBack() {
        let pool = BufferPool(limit: 16 * Self.mebi)
        do {
            let buffer = pool.take(capacity: 8 * Self.mebi)
            #expect(buffer.capacity == 8 * Self.mebi)
        }
        #expect(pool.memory == 8 * Self.mebi)
        #expect(pool.take(capacity: 8 * Self.mebi).capacity == 8 * Self.mebi)
        pool.trim()
        #expect(pool.memory == 0)
    }

    /// What is kept makes way for what is needed: memory never exceeds the limit, whatever sizes follow each other.
    @Test func memoryStaysWithinTheLimit() {
        let pool = BufferPool(limit: 16 * Self.mebi)
        var generator = SeededGenerator(seed: 7)
        var held: [PartBuffer] = []
        for _ in 0..<2_000 {
            let capacity = Int.random(in: 1...(4 * Self.mebi / Region.pageSize), using: &generator) * Region.pageSize
            if Bool.random(using: &generator), pool.tryReserve(capacity) {
                held.append(pool.take(capacity: capacity))
            } else if let buffer = held.indices.randomElement(using: &generator).map({ held.remove(at: $0) }) {
                let capacity = buffer.capacity
                pool.give(buffer)
                pool.release(capacity)
            }
            #expect(pool.memory <= pool.limit)
            #expect(pool.used == held.reduce(0) { $0 + $1.capacity })
        }
        for buffer in held { pool.give(buffer) }
        pool.trim()
        #expect(pool.memory == 0)
    }

    /// A class's size holds every capacity that it is for, and wastes less than a quarter of addresses.
    @Test func sizeClassesFit() {
        for capacity in stride(from: BufferPool.heapLimit + 1, to: 80 * Self.mebi, by: 9_973) {
            let size = Region.sizeClass(of: capacity)
            #expect(size >= capacity)
            #expect(size <= capacity + capacity / 4 + Region.pageSize)
            #expect(size % Region.pageSize == 0)
            #expect(Region.sizeClass(of: size) == size)
        }
    }
}

extension PartBuffer {
    fileprivate func append(bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }
}
