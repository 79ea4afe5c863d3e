/// How often something took how long, in seconds.
public struct Histogram: Codable, Sendable, Equatable {
    /// The upper bounds of the buckets, rising; a last bucket without bound is understood.
    public let bounds: [Double]
    /// How many there are in each bucket alone; one more than bounds.
    public private(set) var counts: [UInt64]
    /// Of all together.
    public private(set) var sum: Double

    /// An empty one.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
        sum = 0
    }

    /// - Throws: `DecodingError` for one that contradicts itself.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        bounds = try container.decode([Double].self, forKey: .bounds)
        counts = try container.decode([UInt64].self, forKey: .counts)
        sum = try container.decode(Double.self, forKey: .sum)
        guard counts.count == bounds.count + 1 else {
            throw DecodingError.dataCorruptedError(
                forKey: .counts, in: container, debugDescription: "\(counts.count) counts do not fit \(bounds.count) bounds")
        }
    }

    /// Counts one more.
    public mutating func add(_ seconds: Double) {
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }

    /// How many there are.
    public var count: UInt64 { counts.reduce(0, +) }

    /// The time within which a share of them was done: the bound of the bucket that it lies in, so at most that long. Nil when
    /// there are none; infinite beyond the last bound.
    /// - Parameter share: from 0 to 1.
    public func quantile(_ share: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        var counted: UInt64 = 0
        for (index, number) in counts.enumerated() {
            counted += number
            if Double(counted) >= share * Double(total), counted > 0 { return index < bounds.count ? bounds[index] : .infinity }
        }
        return .infinity
    }
}
