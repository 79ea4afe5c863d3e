import Testing
import WorkerPool

@testable import DaemonCore

@Suite struct RegistrarRestTests {
    private static let second: UInt64 = 1_000_000_000
    private static let now = 1000 * second

    private func rest(
        took: UInt64, _ trouble: RegistrarRest.Trouble? = nil, failures: Int = 0, look: UInt64? = nil,
        backoff: Backoff = Backoff(base: second, cap: 60 * second)
    ) -> RegistrarRest {
        var generator = SeededGenerator(seed: 1)
        return .after(
            began: Self.now - took, ended: Self.now, trouble: trouble, failures: failures, look: look, backoff: backoff,
            using: &generator)
    }

    /// A pass that took a moment is followed by nine such moments of rest; one that hung in a store by a second at most, however long
    /// it hung.
    @Test func nobodyWaitsLong() {
        #expect(rest(took: 1000) == RegistrarRest(earliest: Self.now + 9000, latest: nil))
        for took in [Self.second, 90 * Self.second, 900 * Self.second] {
            #expect(rest(took: took) == RegistrarRest(earliest: Self.now + Self.second, latest: nil))
            // Nor does one who rings after a failure, be it the first or the hundredth.
            for failures in [1, 100] {
                #expect(rest(took: took, .absence, failures: failures).earliest == Self.now + Self.second)
            }
        }
    }

    /// A store that was away is asked again after ten seconds at the latest; what was refused waits longer and longer, up to a minute.
    @Test func triesAgain() throws {
        // The longest that full jitter can give.
        struct Highest: RandomNumberGenerator { mutating func next() -> UInt64 { .max } }
        func latest(_ trouble: RegistrarRest.Trouble, _ failures: Int) throws -> UInt64 {
            var generator = Highest()
            let rest = RegistrarRest.after(
                began: Self.now, ended: Self.now, trouble: trouble, failures: failures, look: nil,
                backoff: Backoff(base: Self.second, cap: 60 * Self.second), using: &generator)
            return (try #require(rest.latest) - Self.now) / (Self.second / 10)
        }
        #expect(try latest(.absence, 100) <= 100)
        #expect(try latest(.refusal, 100) > 500 && latest(.refusal, 100) <= 600)
        #expect(try latest(.refusal, 1) <= 10 && latest(.absence, 1) <= 10)
    }

    /// A look that is due is kept, whatever went wrong; and the pause after a failure, whatever there is to look for.
    @Test func theSoonerCounts() {
        let constant = Backoff(base: 0, cap: 0)
        #expect(rest(took: 0, look: Self.now + 5).latest == Self.now + 5)
        #expect(rest(took: 0, .refusal, failures: 1, look: Self.now + 5, backoff: constant).latest == Self.now)
        #expect(rest(took: 0, .refusal, failures: 9, look: Self.now + 1).latest == Self.now + 1)
    }
}
