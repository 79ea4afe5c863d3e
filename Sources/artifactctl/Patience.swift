import ArtifactClient
import ArtifactModel
import Glibc
import LinuxSystem

/// How long to go on asking while the daemon takes nothing, for reasons that pass.
///
/// Times are nanoseconds of a monotonic clock, which the caller reads.
struct Patience {
    private let limit: UInt64
    /// Since when the daemon has taken nothing; nil while it takes.
    private var stuckSince: UInt64?

    /// How long to wait where the daemon does not say, in milliseconds.
    private static let defaultDelay: UInt64 = 1_000

    init(_ limit: Duration) {
        self.limit = UInt64(limit.components.seconds) * 1_000_000_000 + UInt64(limit.components.attoseconds / 1_000_000_000)
    }

    /// The daemon took nothing.
    /// - Returns: when to ask again; nil when the patience is used up, or when waiting cannot help.
    mutating func timeToAskAgain(after refusal: ArtifactError, now: UInt64) -> UInt64? {
        let since = stuckSince ?? now
        stuckSince = since
        guard Self.passes(refusal.code), now < since + limit else { return nil }
        let delay = min(refusal.retryAfterMilliseconds ?? Self.defaultDelay, 60_000)
        // Not beyond the patience: the last attempt is made at its end.
        return min(now + delay * 1_000_000, since + limit)
    }

    /// Something was taken: the patience begins anew.
    mutating func noteProgress() { stuckSince = nil }

    /// Asks until it is granted, or the patience is used up. Does not begin anew: being let in moves no file.
    mutating func asking<Value>(_ body: () throws(ClientError) -> Value) throws -> Value {
        while true {
            do throws(ClientError) {
                return try body()
            } catch {
                guard case .failure(let refusal) = error,
                    let time = timeToAskAgain(after: refusal, now: System.monotonicNanoseconds())
                else { throw error }
                var nothing: [pollfd] = []
                _ = try System.poll(&nothing, until: time)
            }
        }
    }

    /// Whether the same connection, or the next, may take it later. A daemon that stops takes nothing more, and one that does not
    /// answer has had its time.
    private static func passes(_ code: ArtifactError.Code) -> Bool {
        code.isTransient && code != .shuttingDown && code != .timeout
    }
}
