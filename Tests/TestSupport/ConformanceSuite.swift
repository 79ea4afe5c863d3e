import ObjectStore

/// What every implementation of `ObjectStore` has to do, one promise a case.
///
/// A test target runs them as one parameterised test over all stores and `cases`, each case with an empty store of its own.
public enum ConformanceSuite {
    /// One promise.
    public struct Case: Sendable, CustomStringConvertible {
        /// The promise in words.
        public let description: String
        /// Finds out whether a store keeps it; what does not hold is recorded as an issue of the running test.
        public let check: @Sendable (StoreUnderTest) throws -> Void

        init(_ description: String, _ check: @escaping @Sendable (StoreUnderTest) throws -> Void) {
            self.description = description
            self.check = check
        }
    }

    /// Every promise.
    public static let cases = objects + headers + listings + multipart + concurrency
}
