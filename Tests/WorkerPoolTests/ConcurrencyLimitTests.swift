import Testing
import WorkerPool

@Suite struct ConcurrencyLimitTests {
    private static let second: UInt64 = 1_000_000_000

    /// A limit that has done with doubling.
    private func settled(at current: Int, maximum: Int) -> ConcurrencyLimit {
        var limit = ConcurrencyLimit(initial: 2 * current, maximum: max(maximum, 2 * current))
        limit.throttled(now: 0)
        #expect(limit.current == current)
        return limit
    }

    /// One after the other, seconds with these bytes, the limit reached in each unless said otherwise; the limit after each.
    private func limits(
        _ limit: inout ConcurrencyLimit, from start: UInt64 = 0, bytes: [UInt64], reached: Bool = true
    ) -> [Int] {
        limit.completed(bytes: 0, busy: 0, now: start)
        return bytes.enumerated().map { second, bytes in
            let busy = reached ? limit.current : limit.current - 1
            limit.completed(bytes: bytes, busy: busy, now: start + UInt64(second + 1) * Self.second)
            return limit.current
        }
    }

    /// It starts where it is told, within 1 and the maximum.
    @Test func startsWithinItsBounds() {
        #expect(ConcurrencyLimit(initial: 4, maximum: 8).current == 4)
        #expect(ConcurrencyLimit(initial: 0, maximum: 8).current == 1)
        #expect(ConcurrencyLimit(initial: 9, maximum: 8).current == 8)
    }

    /// Intervals of 200 ms in which each worker ends two requests, with these bytes in all; the limit after each.
    private func starts(_ limit: inout ConcurrencyLimit, bytes: [UInt64]) -> [Int] {
        limit.completed(bytes: 0, busy: 0, now: 0)
        return bytes.enumerated().map { index, bytes in
            let end = UInt64(index + 1) * Self.second / 5
            for _ in 1..<(2 * limit.current) { limit.completed(bytes: 0, busy: limit.current, now: end - 1) }
            limit.completed(bytes: bytes, busy: limit.current, now: end)
            return limit.current
        }
    }

    /// It begins by doubling five times a second while that brings more and there is room to double.
    @Test func doublesAtTheStart() {
        var limit = ConcurrencyLimit(initial: 2, maximum: 20)
        #expect(starts(&limit, bytes: [100, 200, 400, 700]) == [4, 8, 16, 17])
    }

    /// Doubling that does not bring a quarter more is taken back, and single steps follow.
    @Test func endsDoublingAtThePlateau() {
        var limit = ConcurrencyLimit(initial: 2, maximum: 64)
        #expect(starts(&limit, bytes: [100, 190, 230]) == [4, 8, 4])
        #expect(limits(&limit, from: 2 * Self.second, bytes: [1_150, 1_300, 1_310]) == [5, 6, 6])
    }

    /// Where requests take long, an interval lasts until there is something to measure.
    @Test func waitsForEnoughRequestsAtTheStart() {
        var limit = ConcurrencyLimit(initial: 2, maximum: 64)
        #expect(limits(&limit, bytes: [100, 100, 100, 100]) == [2, 2, 2, 4])
    }

    /// It grows by one a second while each worker more brings more, up to the maximum.
    @Test func growsWithTheThroughput() {
        var limit = settled(at: 2, maximum: 5)
        #expect(limits(&limit, bytes: [100, 150, 200, 250, 300]) == [3, 4, 5, 5, 5])
    }

    /// It stops growing when a worker more brings less than 5 %.
    @Test func stopsAtThePlateau() {
        var limit = settled(at: 2, maximum: 50)
        #expect(limits(&limit, bytes: [1_000, 1_049, 1_049, 1_051, 1_051]) == [3, 3, 3, 4, 4])
    }

    /// It steps back when the throughput falls by a tenth, and never below 1.
    @Test func stepsBackWhenThroughputFalls() {
        var limit = settled(at: 1, maximum: 50)
        #expect(limits(&limit, bytes: [1_000, 901, 900, 810, 729]) == [2, 2, 1, 1, 1])
    }

    /// Among many workers one more is worth little; growth asks for half of that.
    @Test func growsAmongMany() {
        var limit = settled(at: 40, maximum: 80)
        #expect(limits(&limit, bytes: [4_000, 4_051, 4_090]) == [41, 42, 42])
    }

    /// When there is too little to do, the throughput says nothing about the limit.
    @Test func idlenessMovesNothing() {
        var limit = settled(at: 4, maximum: 8)
        #expect(limits(&limit, bytes: [100, 1_000, 1], reached: false) == [4, 4, 4])
    }

    /// A throttle halves at once, and once a second at most, down to 1; growth begins anew from there.
    @Test func throttlesHalve() {
        var limit = ConcurrencyLimit(initial: 16, maximum: 16)
        limit.throttled(now: 5 * Self.second)
        #expect(limit.current == 8)
        limit.throttled(now: 6 * Self.second - 1)
        #expect(limit.current == 8)
        limit.throttled(now: 6 * Self.second)
        #expect(limit.current == 4)
        #expect(limits(&limit, from: 7 * Self.second, bytes: [10, 10, 20]) == [5, 5, 6])
        for second: UInt64 in 20..<30 { limit.throttled(now: second * Self.second) }
        #expect(limit.current == 1)
    }

    /// Threads that read the clock in one order and arrive in another are no fault.
    @Test func timesMayArriveOutOfOrder() {
        var limit = ConcurrencyLimit(initial: 4, maximum: 8)
        limit.completed(bytes: 1, busy: 4, now: 100)
        limit.completed(bytes: 1, busy: 4, now: 99)
        limit.throttled(now: 100)
        limit.throttled(now: 99)
        #expect(limit.current == 2)
    }
}
