/// How many workers may be busy at once, found by trying: more while the throughput grows with them, fewer when it falls, half
/// when the store asks for fewer requests.
///
/// It begins by doubling, until that brings nothing any more, and then goes by single steps: TCP's slow start and congestion
/// avoidance (RFC 5681), with the throughput in the place of losses.
///
/// Pure: times are passed in, in nanoseconds of one monotonic clock.
public struct ConcurrencyLimit: Sendable {
    /// How many workers may be busy now; at least 1.
    public private(set) var current: Int
    /// The most there may ever be.
    public let maximum: Int

    /// What is measured since `start`.
    private struct Interval {
        let start: UInt64
        var bytes: UInt64 = 0
        var completions = 0
        /// Whether as many were busy as were allowed: else the throughput says nothing about the limit.
        var reachedLimit = false
    }

    private static let intervalLength: UInt64 = 1_000_000_000
    /// While it doubles: short, and as long as it takes until each worker has ended two requests, for less says little.
    private static let startingLength: UInt64 = 200_000_000
    private var isStarting = true
    private var interval: Interval?
    /// Bytes a second when the limit was last moved; nil before the first measure.
    private var reference: Double?
    private var lastThrottle: UInt64?

    /// Starts at `initial`, between 1 and `maximum`.
    public init(initial: Int, maximum: Int) {
        self.maximum = max(1, maximum)
        current = min(max(1, initial), self.maximum)
    }

    /// A request has ended well.
    /// - Parameter bytes: how many it carried.
    /// - Parameter busy: how many workers were busy, this one included.
    public mutating func completed(bytes: UInt64, busy: Int, now: UInt64) {
        var measured = interval ?? Interval(start: now)
        // The first completion opens the measure: its bytes were sent before.
        if interval != nil {
            measured.bytes += bytes
            measured.completions += 1
        }
        if busy >= current { measured.reachedLimit = true }
        interval = measured
        let elapsed = Self.elapsed(from: measured.start, to: now)
        guard
            isStarting
                ? elapsed >= Self.startingLength && measured.completions >= 2 * current : elapsed >= Self.intervalLength
        else { return }
        interval = Interval(start: now)
        if measured.reachedLimit { adjust(to: Double(measured.bytes) / (Double(elapsed) / 1e9)) }
    }

    /// The store asked for fewer requests: halves the limit, at most once a second, for the requests already under way are
    /// throttled too.
    public mutating func throttled(now: UInt64) {
        if let lastThrottle, Self.elapsed(from: lastThrottle, to: now) < Self.intervalLength { return }
        lastThrottle = now
        isStarting = false
        current = max(1, current / 2)
        interval = nil
        reference = nil
    }

    /// 0 when a thread that read the clock earlier comes later.
    private static func elapsed(from start: UInt64, to now: UInt64) -> UInt64 {
        now > start ? now - start : 0
    }

    private mutating func adjust(to throughput: Double) {
        guard let reference else {
            // Nothing to compare with: try more.
            return grow(at: throughput)
        }
        if isStarting {
            if throughput >= reference * 1.25 { return grow(at: throughput) }
            // Twice as many that do not bring a quarter more are too many.
            isStarting = false
            current -= current / 2
            self.reference = nil
            return
        }
        if throughput >= reference * (1 + requiredGrowth) {
            grow(at: throughput)
        } else if throughput <= reference * 0.9 {
            move(by: -1, at: throughput)
        }
    }

    /// 5 %, but no more than half of what one worker more would bring at best: else nothing grew beyond twenty.
    private var requiredGrowth: Double { min(0.05, 0.5 / Double(current)) }

    private mutating func grow(at throughput: Double) {
        // What is not twice as much cannot be asked to bring a quarter more.
        isStarting = isStarting && 2 * current <= maximum
        move(by: isStarting ? current : 1, at: throughput)
    }

    private mutating func move(by step: Int, at throughput: Double) {
        current = min(max(1, current + step), maximum)
        reference = throughput
    }
}
