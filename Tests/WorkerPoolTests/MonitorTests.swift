import LinuxSystem
import Testing
import WorkerPool

@Suite struct MonitorTests {
    private struct Queue {
        var items: [Int] = []
        var isClosed = false
        var taken: [Int] = []
    }

    /// What several threads put in, several take out: each item once, none lost, and all end.
    @Test func handsEachItemToOneThread() throws {
        let queue = Monitor(Queue())
        let takers = try WorkerThreads(count: 4, name: "taker") { _ in
            while true {
                let item = queue.wait { queue -> Int?? in
                    if let item = queue.items.popLast() {
                        queue.taken.append(item)
                        return .some(item)
                    }
                    return queue.isClosed ? .some(nil) : nil
                }
                if item == nil { return }
            }
        }
        let givers = try WorkerThreads(count: 4, name: "giver") { index in
            for item in 0..<2_000 {
                queue.withLock { $0.items.append(index * 2_000 + item) }
                queue.signal()
            }
        }
        givers.join()
        queue.withLock { $0.isClosed = true }
        queue.broadcast()
        takers.join()
        #expect(queue.withLock { $0.taken.sorted() } == Array(0..<8_000))
    }

    /// A turn with a deadline comes again when that is past, and can choose another.
    @Test func deadlinesGiveTurns() {
        let monitor = Monitor(0)
        let start = System.monotonicNanoseconds()
        let turns = monitor.waitTimed { turns -> Turn<Int> in
            let now = System.monotonicNanoseconds()
            if now >= start + 6_000_000 { return .done(turns) }
            turns += 1
            return .wait(until: now < start + 3_000_000 ? start + 3_000_000 : start + 6_000_000)
        }
        #expect(turns >= 2)
        #expect(System.monotonicNanoseconds() >= start + 6_000_000)
    }

    /// A deadline that is past, or as far off as numbers go, is no error.
    @Test func takesAnyDeadline() throws {
        let monitor = Monitor(false)
        #expect(
            monitor.waitTimed { seen -> Turn<Bool> in
                defer { seen = true }
                return seen ? .done(true) : .wait(until: 0)
            })
        monitor.withLock { $0 = false }
        let setter = try OwnedThread(name: "setter") {
            monitor.withLock { $0 = true }
            monitor.signal()
        }
        #expect(monitor.waitTimed { $0 ? Turn.done(true) : .wait(until: .max) })
        setter.join()
    }

    /// An error from the body comes out as it is, and the lock is free again.
    @Test func errorsFreeTheLock() {
        let monitor = Monitor(1)
        let error = SystemError(call: "test", errno: 5)
        #expect(throws: error) { try monitor.withLock { (_) throws(SystemError) in throw error } }
        #expect(throws: error) { try monitor.wait { (_) throws(SystemError) -> Int? in throw error } }
        #expect(monitor.withLock { $0 } == 1)
    }
}
