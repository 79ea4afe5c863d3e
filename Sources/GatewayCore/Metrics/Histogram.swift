/// How often something took how long, in seconds.
struct Histogram: Sendable, Equatable {
    /// The upper bounds of the buckets, rising; a last one without bound is understood.
    var bounds: [Double]
    /// How many there are in each bucket alone; one more than bounds.
    var counts: [UInt64]
    var sum: Double

    /// An empty histogram for requests: from a millisecond to ten minutes.
    static let requests = Histogram(bounds: [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60, 600])

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
        sum = 0
    }

    mutating func add(_ seconds: Double) {
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }
}
