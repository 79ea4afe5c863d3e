/// A header, or a parameter of a query.
struct HTTPField: Equatable, Sendable {
    /// Lower case in a header.
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
