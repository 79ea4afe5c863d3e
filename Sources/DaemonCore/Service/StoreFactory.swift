import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore
import S3
import Synchronization
import WorkerPool

/// Makes the stores that the configuration names.
struct StoreFactory {
    let configuration: Configuration
    let environment: [String: String]
    let journal: Journal
    let integrity: FoundIntegrity
    let retries: RetryCounter
    /// Ends waits between attempts when the daemon stops.
    let stop: StopSignal

    func make(_ location: StoreLocation) throws(ArtifactError) -> any ObjectStore {
        let store: any ObjectStore
        switch location {
        case .directory(let path):
            // One that was there before and is not now lies on a file system that is away: objects that were begun anew in its place
            // would be lost when it comes back.
            let isKnown = try journal.recall(endpoint: location.description) != nil
            store = try DirectoryStore(root: path, beginning: !isKnown)
            if !isKnown {
                try journal.remember(endpoint: location.description, integrity: Integrity.filesystem.rawValue)
            }
        case .s3:
            let options = S3Options(
                version: artifactdVersion, integrity: configuration.s3.integrity, pathStyle: configuration.s3.pathStyle,
                payloadSigning: configuration.s3.payloadSigning)
            store = try S3Store(
                location: location, settings: try S3Settings.resolve(environment: environment, options: options),
                memory: integrity, isCut: { [stop] in stop.isCut })
        }
        return RetryingStore(
            store, sleep: { [stop] nanoseconds in !stop.wait(nanoseconds: nanoseconds) },
            observer: { [retries] error, _ in retries.count(location, error) })
    }
}

/// Tells threads that wait that the daemon is stopping.
final class StopSignal: Sendable {
    private let isStopping = Monitor(false)
    private let cutting = Atomic(false)

    func raise() {
        isStopping.withLock { $0 = true }
        isStopping.broadcast()
    }

    /// Ends the transfers that are still under way.
    func cut() { cutting.store(true, ordering: .relaxed) }

    var isCut: Bool { cutting.load(ordering: .relaxed) }

    var isRaised: Bool { isStopping.withLock { $0 } }

    /// Waits so long, or until the daemon stops.
    /// - Returns: whether it is stopping.
    func wait(nanoseconds: UInt64) -> Bool {
        let deadline = System.monotonicNanoseconds() + nanoseconds
        return isStopping.waitTimed { (isStopping) -> Turn<Bool> in
            isStopping || System.monotonicNanoseconds() >= deadline ? .done(isStopping) : .wait(until: deadline)
        }
    }
}
