import ArtifactModel
import Synchronization

/// Counts requests that are sent again, and passes on why, from any thread.
final class RetryCounter: Sendable {
    /// Told of the store and of what the attempt failed with.
    typealias Listener = @Sendable (StoreLocation, ArtifactError) -> Void

    private let retries = Atomic<UInt64>(0)
    private let listener = Mutex<Listener?>(nil)

    var value: UInt64 { retries.load(ordering: .relaxed) }

    /// Who listens from now on. Stores are made before whoever keeps their health.
    func tell(_ listener: @escaping Listener) { self.listener.withLock { $0 = listener } }

    func count(_ location: StoreLocation, _ error: ArtifactError) {
        retries.add(1, ordering: .relaxed)
        let listener = listener.withLock { $0 }
        listener?(location, error)
    }
}
