import Synchronization

/// Counts requests that were sent again, from any thread.
final class RetryCounter: Sendable {
    private let retries = Atomic<UInt64>(0)

    var value: UInt64 { retries.load(ordering: .relaxed) }

    func count() { retries.add(1, ordering: .relaxed) }
}
