import Synchronization

/// The faults of the command line, and how many requests each has seen.
final class FaultPlan: Sendable {
    private let faults: [Fault]
    private let counts: Mutex<[Int]>

    init(_ faults: [Fault]) {
        self.faults = faults
        counts = Mutex(Array(repeating: 0, count: faults.count))
    }

    /// The fault that strikes this request: the first whose turn it is.
    func strike(_ operation: Operation) -> Fault? {
        counts.withLock { counts in
            var struck: Fault?
            for (index, fault) in faults.enumerated() where fault.operation == nil || fault.operation == operation {
                counts[index] += 1
                if struck == nil, fault.occasion.includes(counts[index]) { struck = fault }
            }
            return struck
        }
    }
}
