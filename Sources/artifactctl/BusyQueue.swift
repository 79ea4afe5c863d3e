import ArtifactModel

/// The files that the daemon could not take because a bound was reached, and when to offer them again.
///
/// Times are nanoseconds of a monotonic clock, which the caller reads.
struct BusyQueue {
    /// How long the daemon may take nothing before the rest is given up.
    private let patience: Duration
    private var candidates: [SourceWalk.Candidate] = []
    /// Since when the daemon has taken nothing; nil while it takes.
    private var stuckSince: UInt64?
    private var holdUntil: UInt64 = 0
    /// What the daemon last said.
    private(set) var reason: ArtifactError?
    /// Whether the patience is used up.
    private(set) var hasGivenUp = false

    /// How long to wait where the daemon does not say.
    private static let defaultDelay: UInt64 = 1_000

    init(patience: Duration) { self.patience = patience }

    var isEmpty: Bool { candidates.isEmpty }

    /// Keeps a file that was refused.
    mutating func add(_ candidate: SourceWalk.Candidate, _ refusal: ArtifactError, now: UInt64) {
        candidates.append(candidate)
        reason = refusal
        let since = stuckSince ?? now
        stuckSince = since
        let delay = min(refusal.retryAfterMilliseconds ?? Self.defaultDelay, 60_000)
        // Not beyond the patience: the last attempt is made at its end.
        holdUntil = min(now + delay * 1_000_000, max(now, end(of: since)))
        // Stopping for good: this connection will never take it.
        hasGivenUp = hasGivenUp || refusal.code != .busy || now >= end(of: since)
    }

    private func end(of since: UInt64) -> UInt64 {
        since + UInt64(patience.components.seconds) * 1_000_000_000 + UInt64(patience.components.attoseconds / 1_000_000_000)
    }

    /// A file was taken: the patience begins anew.
    mutating func noteProgress() { stuckSince = nil }

    /// Whether nothing is to be offered yet.
    func isHoldingBack(now: UInt64) -> Bool { !candidates.isEmpty && now < holdUntil }

    /// How long until something may be offered; nil when nothing is kept.
    func timeLeft(now: UInt64) -> Duration? {
        candidates.isEmpty || hasGivenUp ? nil : .nanoseconds(now < holdUntil ? holdUntil - now : 0)
    }

    mutating func takeFirst() -> SourceWalk.Candidate? { candidates.isEmpty ? nil : candidates.removeFirst() }
}
