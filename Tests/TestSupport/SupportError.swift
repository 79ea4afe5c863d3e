/// The test kit itself could not do its work; the sentence says what is missing.
public struct SupportError: Error, CustomStringConvertible {
    public let description: String

    /// An error with its sentence.
    public init(_ description: String) { self.description = description }
}
