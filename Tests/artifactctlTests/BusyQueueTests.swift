import ArtifactModel
import Testing

@testable import artifactctl

@Suite("BusyQueue")
struct BusyQueueTests {
    private static let second: UInt64 = 1_000_000_000
    private static let file = SourceWalk.Candidate(path: "a", destination: "b")

    private static func busy(retryAfter: UInt64? = nil) -> ArtifactError {
        ArtifactError(.busy, "the queue is full", retryAfterMilliseconds: retryAfter)
    }

    /// Without patience the first refusal ends it.
    @Test func givesUpAtOnce() {
        var queue = BusyQueue(patience: Patience(.zero))
        queue.add(Self.file, Self.busy(), now: 5)
        #expect(queue.hasGivenUp && queue.reason == Self.busy())
        #expect(queue.timeLeft(now: 5) == nil)
    }

    /// Nothing is offered before the time that the daemon named, and a second where it names none.
    @Test func waitsAsTold() {
        var queue = BusyQueue(patience: Patience(.seconds(60)))
        queue.add(Self.file, Self.busy(retryAfter: 300), now: Self.second)
        #expect(queue.isHoldingBack(now: Self.second + 299_000_000))
        #expect(queue.timeLeft(now: Self.second) == .milliseconds(300))
        #expect(!queue.isHoldingBack(now: Self.second + 300_000_000))
        #expect(queue.takeFirst() == Self.file && queue.isEmpty)
        queue.add(Self.file, Self.busy(), now: 2 * Self.second)
        #expect(queue.timeLeft(now: 2 * Self.second) == .seconds(1))
    }

    /// The patience runs while the daemon takes nothing, begins anew when it takes a file, and is not outlasted by a hint.
    @Test func isPatientWhileThereIsProgress() {
        var queue = BusyQueue(patience: Patience(.seconds(10)))
        queue.add(Self.file, Self.busy(retryAfter: 40_000), now: 0)
        #expect(queue.timeLeft(now: 0) == .seconds(10))
        queue.add(Self.file, Self.busy(), now: 9 * Self.second)
        #expect(!queue.hasGivenUp)
        queue.noteProgress()
        queue.add(Self.file, Self.busy(), now: 12 * Self.second)
        #expect(!queue.hasGivenUp)
        queue.add(Self.file, Self.busy(), now: 22 * Self.second)
        #expect(queue.hasGivenUp)
    }

    /// A daemon that stops will take nothing on this connection, and one that does not answer has had its time: whatever the patience.
    @Test(arguments: [ArtifactError.Code.shuttingDown, .timeout]) func givesUpOn(_ code: ArtifactError.Code) {
        var queue = BusyQueue(patience: Patience(.seconds(10)))
        queue.add(Self.file, ArtifactError(code, "no"), now: 0)
        #expect(queue.hasGivenUp)
    }

    /// A disk that is full, or a store that is away, is waited for like a full queue.
    @Test(arguments: [ArtifactError.Code.localStorageFailed, .storeUnavailable, .storeThrottled, .checksumMismatch])
    func waitsOut(_ code: ArtifactError.Code) {
        var queue = BusyQueue(patience: Patience(.seconds(10)))
        queue.add(Self.file, ArtifactError(code, "not now"), now: 0)
        #expect(!queue.hasGivenUp && queue.timeLeft(now: 0) == .seconds(1))
    }
}
