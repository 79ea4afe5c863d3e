import ArtifactModel
import ObjectStore

/// Passes on of an answer's body what was asked for, whether the server honours ranges or sends the whole object.
struct ObjectReading {
    /// What is known of the object.
    let info: ObjectInfo
    /// The bytes to leave out before the first that is wanted.
    private var skipped: UInt64
    /// The bytes that are still to be passed on.
    private(set) var missing: UInt64
    /// Whether bytes follow that nobody wants.
    private let hasRest: Bool

    /// - Parameter range: the bytes that were asked for; nil for all.
    /// - Parameter held: the bytes of the object that the answer holds; nil when it holds all.
    /// - Returns: nil when it does not hold what was asked for.
    init?(_ info: ObjectInfo, range: Range<UInt64>?, held: Range<UInt64>?) {
        let all = 0..<info.size
        let wanted = (range ?? all).clamped(to: all)
        if let held, held != wanted { return nil }
        self.info = info
        missing = UInt64(wanted.count)
        skipped = held == nil ? wanted.lowerBound : 0
        hasRest = held == nil && info.size > 0 && (wanted.isEmpty || wanted.upperBound < info.size)
    }

    /// Whether the rest of the answer need not be read.
    var isComplete: Bool { missing == 0 && hasRest }

    /// The bytes of this run that are wanted.
    mutating func take(_ run: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = min(skipped, UInt64(run.count))
        skipped -= start
        let count = min(missing, UInt64(run.count) - start)
        missing -= count
        return UnsafeRawBufferPointer(rebasing: run[Int(start)..<Int(start + count)])
    }
}
