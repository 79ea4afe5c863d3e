/// A pending job whose destination has been decided.
public struct ResolvedJob: Sendable, Equatable {
    /// The place in the order of acceptance.
    public var sequence: Int64
    /// The object's full URI.
    public var destination: String

    public init(sequence: Int64, destination: String) {
        self.sequence = sequence
        self.destination = destination
    }
}
