/// How fast something goes: from what was done over the last ten seconds, so that it follows changes and does not flicker.
///
/// Times are nanoseconds of a monotonic clock, which the caller reads.
struct ProgressMeter {
    private static let span: UInt64 = 10_000_000_000

    private var samples: [(time: UInt64, done: UInt64)] = []

    /// Notes how much is done by now.
    mutating func note(_ done: UInt64, at time: UInt64) {
        samples.append((time, done))
        // The last sample before the span is kept: the rate is reckoned from it.
        while samples.count > 2, time - samples[1].time >= Self.span { samples.removeFirst() }
    }

    /// In units a second; nil while nothing can be said.
    var rate: Double? {
        guard let first = samples.first, let last = samples.last, last.time > first.time, last.done >= first.done else {
            return nil
        }
        return Double(last.done - first.done) * 1e9 / Double(last.time - first.time)
    }

    /// How many seconds are left; nil while nothing can be said, or nothing moves.
    func secondsLeft(of total: UInt64) -> Double? {
        guard let rate, rate > 0, let last = samples.last, last.done <= total else { return nil }
        return Double(total - last.done) / rate
    }
}
