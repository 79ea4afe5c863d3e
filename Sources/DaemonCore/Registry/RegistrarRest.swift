import WorkerPool

/// How long the registrar rests after a pass. Monotonic nanoseconds.
struct RegistrarRest: Equatable {
    /// Whoever rings is heard from this time on.
    var earliest: UInt64
    /// The next pass begins now at the latest; nil when it need not begin unless somebody rings.
    var latest: UInt64?

    private static let second: UInt64 = 1_000_000_000
    /// A store that was away is asked again after so long at the latest: nobody else may be asking it.
    private static let longestAbsence = 10 * second

    /// What went wrong in a pass.
    enum Trouble {
        /// The store refused something, or has it damaged: asked again it says the same, until somebody mends it.
        case refusal
        /// A store did not answer.
        case absence
    }

    /// The rest after a pass.
    /// - Parameters:
    ///   - began: when it began.
    ///   - ended: when it was over.
    ///   - trouble: nil when all went well.
    ///   - failures: so many passes in a row did not go well, this one included.
    ///   - look: when to look for something by the clock; nil for never.
    static func after(
        began: UInt64, ended: UInt64, trouble: Trouble?, failures: Int, look: UInt64?, backoff: Backoff,
        using generator: inout some RandomNumberGenerator
    ) -> RegistrarRest {
        // At most a tenth of a core, however fast jobs end that somebody waits for. What took longer than a moment has waited for a
        // store, which costs nothing, and must not keep what comes after it.
        let breath = ended + min(9 * (ended - began), second)
        guard let trouble else { return RegistrarRest(earliest: breath, latest: look) }
        let delay = backoff.delay(afterFailures: failures, using: &generator)
        let retry = ended + (trouble == .absence ? min(delay, longestAbsence) : delay)
        // New work rings; what is in trouble must not be asked for without end.
        return RegistrarRest(earliest: max(breath, min(retry, ended + second)), latest: min(retry, look ?? .max))
    }
}
