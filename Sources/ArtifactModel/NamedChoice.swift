/// A choice whose cases have names: in JSON, in the configuration, on the command line.
public protocol NamedChoice: CaseIterable, CustomStringConvertible {}

extension NamedChoice {
    /// The case of that name; nil when there is none.
    public init?(name: String) {
        guard let named = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = named
    }
}
