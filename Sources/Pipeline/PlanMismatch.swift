/// Parts of an earlier run that do not fit the source's grid, each other, or what the codec makes of the source now: the upload
/// cannot be continued, and starts afresh.
public struct PlanMismatch: Error, Equatable, CustomStringConvertible {
    /// Which part does not fit, and why; for the log.
    public let reason: String

    init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
}
