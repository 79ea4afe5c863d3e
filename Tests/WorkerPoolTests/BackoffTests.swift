import Testing
import WorkerPool

@Suite struct BackoffTests {
    /// A generator that always gives the same number.
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        func next() -> UInt64 { value }
    }

    /// The longest delay doubles with each failure up to the cap, however many follow.
    @Test func doublesUpToTheCap() {
        let backoff = Backoff(base: 100, cap: 1_000)
        var highest = Constant(value: .max)
        let delays = [1, 2, 3, 4, 5, 64, 65, .max].map { backoff.delay(afterFailures: $0, using: &highest) }
        #expect(delays == [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000])
    }

    /// The jitter is full: a delay can be anything from nothing on, and is spread over the whole range.
    @Test func jitterIsFull() {
        let backoff = Backoff(base: 1_000, cap: 1_000)
        // Not 0: the standard library would draw again, for ever.
        var lowest = Constant(value: 1)
        #expect(backoff.delay(afterFailures: 3, using: &lowest) == 0)
        var generator = SeededGenerator(seed: 1)
        let delays = (0..<1_000).map { _ in backoff.delay(afterFailures: 1, using: &generator) }
        #expect(delays.allSatisfy { $0 <= 1_000 })
        #expect(delays.count { $0 < 250 } > 150)
        #expect(delays.count { $0 > 750 } > 150)
    }

    /// What the other side asked for is kept, and many who were told the same do not come together.
    @Test func honoursTheMinimum() {
        let backoff = Backoff(base: 1_000, cap: 10_000)
        var generator = SeededGenerator(seed: 2)
        let delays = (0..<100).map { _ in backoff.delay(afterFailures: 1, atLeast: 50_000, using: &generator) }
        #expect(delays.allSatisfy { (50_000...51_000).contains($0) })
        #expect(Set(delays).count > 50)
        #expect(backoff.delay(afterFailures: 1, atLeast: .max, using: &generator) == .max)
    }

    /// A base of nothing and failures that were not counted are no fault.
    @Test func takesAnyNumbers() {
        var highest = Constant(value: .max)
        #expect(Backoff(base: 0, cap: 0).delay(afterFailures: 9, using: &highest) == 0)
        #expect(Backoff(base: 5, cap: 9).delay(afterFailures: 0, using: &highest) == 5)
        #expect(Backoff(base: .max, cap: .max).delay(afterFailures: 2, using: &highest) == .max)
    }
}
