import ArtifactModel

/// The files that the daemon could not take for a reason that passes, and when to offer them again.
///
/// Times are nanoseconds of a monotonic clock, which the caller reads.
struct BusyQueue {
    private var patience: Patience
    private var candidates: [SourceWalk.Candidate] = []
    private var holdUntil: UInt64 = 0
    /// What the daemon last said.
    private(set) var reason: ArtifactError?
    /// Whether the patience is used up.
    private(set) var hasGivenUp = false

    /// - Parameter patience: how long the daemon may take nothing before the rest is given up.
    init(patience: Patience) { self.patience = patience }

    var isEmpty: Bool { candidates.isEmpty }

    /// Keeps a file that was refused.
    mutating func add(_ candidate: SourceWalk.Candidate, _ refusal: ArtifactError, now: UInt64) {
        candidates.append(candidate)
        reason = refusal
        if let time = patience.timeToAskAgain(after: refusal, now: now) { holdUntil = time } else { hasGivenUp = true }
    }

    /// A file was taken: the patience begins anew.
    mutating func noteProgress() { patience.noteProgress() }

    /// Whether nothing is to be offered yet.
    func isHoldingBack(now: UInt64) -> Bool { !candidates.isEmpty && now < holdUntil }

    /// How long until something may be offered; nil when nothing is kept.
    func timeLeft(now: UInt64) -> Duration? {
        candidates.isEmpty || hasGivenUp ? nil : .nanoseconds(now < holdUntil ? holdUntil - now : 0)
    }

    mutating func takeFirst() -> SourceWalk.Candidate? { candidates.isEmpty ? nil : candidates.removeFirst() }
}
