/// How long to wait before the next attempt: exponential with full jitter, so that many who failed together do not come back
/// together. Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
public struct Backoff: Sendable {
    /// The longest wait after the first failure, in nanoseconds.
    public let base: UInt64
    /// What that, doubled with each failure, never exceeds, in nanoseconds.
    public let cap: UInt64

    /// A wait of up to `base` after the first failure, up to `cap` after many; nanoseconds.
    public init(base: UInt64, cap: UInt64) {
        self.base = base
        self.cap = cap
    }

    /// The wait in nanoseconds after so many failures in a row, from 1.
    /// - Parameter minimum: what the other side asked for (`Retry-After`), in nanoseconds; the jitter comes on top of it, for
    ///   everybody was told the same.
    public func delay(
        afterFailures failures: Int, atLeast minimum: UInt64 = 0, using generator: inout some RandomNumberGenerator
    ) -> UInt64 {
        let jitter = UInt64.random(in: 0...ceiling(afterFailures: failures), using: &generator)
        let (sum, overflow) = minimum.addingReportingOverflow(jitter)
        return overflow ? .max : sum
    }

    private func ceiling(afterFailures failures: Int) -> UInt64 {
        let doublings = max(0, failures - 1)
        guard doublings < base.leadingZeroBitCount else { return cap }
        return min(cap, base << UInt64(doublings))
    }
}
