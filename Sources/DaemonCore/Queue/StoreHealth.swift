import ArtifactModel

/// Whether a store answers, so that an outage costs one request now and then instead of one for each waiting job.
///
/// Legal transitions: well → (three failures in a row) → pausing → (the pause is over) → probing, one request alone → well or pausing
/// for longer. Times are monotonic nanoseconds.
struct StoreHealth {
    private static let failuresBeforePause = 3

    private var failures = 0
    private var pausedUntil: UInt64 = 0
    private var isProbing = false
    /// What the failures were, and since when (Unix milliseconds); nil while the store answers.
    private(set) var trouble: (error: ArtifactError, since: Int64)?

    /// When a request may be sent: now (nil) or not before a time; `UInt64.max` while another request probes.
    func blocked(now: UInt64) -> UInt64? {
        guard failures >= Self.failuresBeforePause else { return nil }
        if isProbing { return .max }
        return now < pausedUntil ? pausedUntil : nil
    }

    /// A request is about to be sent.
    mutating func began() {
        if failures >= Self.failuresBeforePause { isProbing = true }
    }

    /// The store has answered as it should, or has refused what only one job asked for.
    mutating func succeeded() {
        failures = 0
        isProbing = false
        trouble = nil
    }

    /// A request ended without the store having a say in it.
    mutating func withdrew() { isProbing = false }

    /// The store could not be reached, or was overloaded.
    /// - Parameter delay: how long to pause after so many failures in a row, in nanoseconds.
    mutating func failed(_ error: ArtifactError, now: UInt64, wallClock: Int64, delay: (Int) -> UInt64) {
        failures += 1
        isProbing = false
        trouble = (error, trouble?.since ?? wallClock)
        if failures >= Self.failuresBeforePause { pausedUntil = now + delay(failures - Self.failuresBeforePause) }
    }
}
