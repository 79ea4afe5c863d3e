import ArtifactModel

/// Whether a store answers, and takes what it is sent, so that an outage costs one request now and then instead of one for each waiting job.
///
/// Legal transitions: well → (three failures in a row) → pausing → (the pause is over) → probing, one request alone → well or pausing
/// for longer. Uploads keep to the pauses, and probe; all others only say what they have seen, see `succeededAside`
/// and `failedAside`. Times are monotonic nanoseconds.
struct StoreHealth {
    private static let failuresBeforePause = 3

    private var failures = 0
    private var pausedUntil: UInt64 = 0
    private var isProbing = false
    /// Whether what failed was to write: that a store can be read does not prove then that it is well.
    private var isRefusingWrites = false
    /// What is wrong, and since when (Unix milliseconds); nil while the store takes what it is sent, as far as is known.
    private(set) var trouble: (error: ArtifactError, since: Int64)?

    /// When a request may be sent: now (nil) or not before a time; `UInt64.max` while another request probes.
    func blocked(now: UInt64) -> UInt64? {
        guard isDown else { return nil }
        if isProbing { return .max }
        return now < pausedUntil ? pausedUntil : nil
    }

    /// Whether uploads keep away from it, but for one at a time.
    var isDown: Bool { failures >= Self.failuresBeforePause }

    // MARK: Uploads

    /// A request is about to be sent.
    mutating func began() {
        if isDown { isProbing = true }
    }

    /// The store has answered as it should, or has refused what only one job asked for.
    mutating func succeeded() { self = StoreHealth() }

    /// A request ended without the store having a say in it.
    mutating func withdrew() { isProbing = false }

    /// The store could not be reached, or was overloaded.
    /// - Parameter delay: how long to pause after so many failures in a row, in nanoseconds.
    mutating func failed(_ error: ArtifactError, now: UInt64, wallClock: Int64, delay: (Int) -> UInt64) {
        isProbing = false
        note(error, isWriting: true, wallClock: wallClock)
        count(now: now, delay)
    }

    /// The store answers, and has refused to take something in for a reason that concerns everybody: the credentials, the bucket,
    /// the certificate.
    ///
    /// No pause comes of it: jobs that meet it fail at once and wait for somebody's help, not for the store's return.
    mutating func refused(_ error: ArtifactError, wallClock: Int64) {
        let since = trouble?.error.code == error.code ? trouble?.since : nil
        self = StoreHealth()
        trouble = (error, since ?? wallClock)
        isRefusingWrites = true
    }

    // MARK: Others

    /// Somebody else than an upload was answered.
    ///
    /// Where writes fail, an answer to a reader only ends the pause: one upload may try.
    mutating func succeededAside(isWriting: Bool, now: UInt64) {
        if isWriting || !isRefusingWrites { return succeeded() }
        pausedUntil = min(pausedUntil, now)
    }

    /// A request could not reach the store, or found it overloaded, and is being sent again: how it ends is told later, when its last
    /// attempt has ended, which can take minutes.
    mutating func stumbled(_ error: ArtifactError, wallClock: Int64) {
        if trouble == nil { trouble = (error, wallClock) }
    }

    /// Somebody else than an upload could not reach the store, or found it overloaded.
    ///
    /// That neither ends a probe nor prolongs the pause in which it was asked: only a request that began when the pause was over
    /// stands for a probe.
    /// - Parameter start: when the request began.
    mutating func failedAside(
        _ error: ArtifactError, isWriting: Bool, since start: UInt64, now: UInt64, wallClock: Int64, delay: (Int) -> UInt64
    ) {
        note(error, isWriting: isWriting, wallClock: wallClock)
        if isDown, isProbing || start < pausedUntil { return }
        count(now: now, delay)
    }

    private mutating func note(_ error: ArtifactError, isWriting: Bool, wallClock: Int64) {
        // A refusal before was another trouble.
        let isOutage = trouble.map { $0.error.code == .storeUnavailable || $0.error.code == .storeThrottled } ?? false
        trouble = (error, (isOutage ? trouble?.since : nil) ?? wallClock)
        isRefusingWrites = isRefusingWrites || isWriting
    }

    private mutating func count(now: UInt64, _ delay: (Int) -> UInt64) {
        failures += 1
        if isDown { pausedUntil = now + delay(failures - Self.failuresBeforePause) }
    }
}
