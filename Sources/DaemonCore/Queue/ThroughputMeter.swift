/// Bytes a second over the last ten seconds. Times are monotonic nanoseconds.
struct ThroughputMeter {
    private static let second: UInt64 = 1_000_000_000
    private var buckets: [(second: UInt64, bytes: UInt64)] = []

    mutating func add(_ bytes: UInt64, now: UInt64) {
        let second = now / Self.second
        if buckets.last?.second == second { buckets[buckets.count - 1].bytes += bytes } else { buckets.append((second, bytes)) }
        let oldest = second >= 10 ? second - 10 : 0
        buckets.removeAll { $0.second < oldest }
    }

    func rate(now: UInt64) -> Double {
        let second = now / Self.second
        let recent = buckets.filter { $0.second + 10 > second }
        guard let first = recent.first else { return 0 }
        let span = Double(now - first.second * Self.second) / Double(Self.second)
        return Double(recent.reduce(0) { $0 + $1.bytes }) / max(span, 1)
    }
}
