import Glibc

/// A piece of memory that is a buffer's or lies in the pool.
struct Region: @unchecked Sendable {
    // Unchecked: owned by whoever holds the value, which is one at a time.
    let base: UnsafeMutableRawPointer
    /// How long it is, in bytes.
    let size: Int
    /// How much of it, from the beginning, may have been written to and so be backed by pages.
    var touched: Int
    /// Whether it is memory of its own, or a piece of the heap.
    let isMapped: Bool

    static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// The bytes of the pages that so many bytes fill.
    static func pages(of bytes: Int) -> Int {
        (bytes + pageSize - 1) / pageSize * pageSize
    }

    /// The size that a buffer of this capacity is made with: four steps to each doubling, so that buffers of about one size can
    /// follow each other. What is not touched is not backed by memory.
    static func sizeClass(of capacity: Int) -> Int {
        let step = max(pageSize, (1 << (Int.bitWidth - 1 - capacity.leadingZeroBitCount)) / 4)
        return (capacity + step - 1) / step * step
    }

    /// Takes anonymous memory from the kernel.
    static func map(size: Int) -> Region {
        let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { fatalError("mmap of \(size) bytes: error \(errno)") }
        return Region(base: memory, size: size, touched: 0, isMapped: true)
    }

    /// Takes a piece of the heap.
    static func heap(size: Int) -> Region {
        Region(base: .allocate(byteCount: max(size, 1), alignment: 16), size: size, touched: size, isMapped: false)
    }

    /// Gives the pages behind `length` bytes back, the addresses kept.
    mutating func shrink(to length: Int) {
        guard touched > length else { return }
        let code = madvise(base + length, touched - length, MADV_DONTNEED)
        precondition(code == 0, "madvise: error \(errno)")
        touched = length
    }

    /// Gives the memory back.
    func free() {
        guard isMapped else { return base.deallocate() }
        let code = munmap(base, size)
        precondition(code == 0, "munmap: error \(errno)")
    }
}
