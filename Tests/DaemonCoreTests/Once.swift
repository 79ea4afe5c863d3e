import ArtifactModel
import Synchronization

/// Does something the first time only, from whatever thread.
final class Once: Sendable {
    private let isDone = Atomic(false)

    func run(_ body: () throws -> Void) throws(ArtifactError) {
        if isDone.exchange(true, ordering: .acquiringAndReleasing) { return }
        do { try body() } catch { throw ArtifactError(.internalFault, "the test's own part failed", cause: "\(error)") }
    }
}
