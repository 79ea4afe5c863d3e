import ArtifactModel
import ArtifactWire

/// The parameters behind a URL's question mark. Unknown ones, and those that stand twice, are refused: a slip of the pen would
/// otherwise go unseen.
struct Query: Sendable {
    private var values: [String: String] = [:]

    /// - Parameter names: the parameters that the route knows.
    init(_ text: String?, allowing names: Set<String>) throws(APIError) {
        for pair in (text ?? "").split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(halves[0], plusIsSpace: true),
                let value = PercentCoding.decode(halves.count == 2 ? halves[1] : "", plusIsSpace: true)
            else { throw APIError(.validationFailed, "the query is not percent-encoded UTF-8") }
            guard names.contains(name) else {
                let known = names.isEmpty ? "there are none here" : "known are \(names.sorted().joined(separator: ", "))"
                throw APIError(.validationFailed, "the query has no parameter '\(name.escapedForLog)'; \(known)")
            }
            guard values[name] == nil else {
                throw APIError(.validationFailed, "the parameter '\(name)' stands twice in the query")
            }
            values[name] = value
        }
    }

    /// Text that filters; nil for none.
    func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A parameter that is one of a few names.
    func choice<Choice: NamedChoice>(_ name: String, _ type: Choice.Type) throws(APIError) -> Choice? {
        guard let value = values[name] else { return nil }
        guard let choice = Choice(name: value) else {
            throw APIError(.validationFailed, "\(name) is one of \(Choice.allCases.map(\.description).joined(separator: ", "))")
        }
        return choice
    }

    /// A number within bounds.
    func number(_ name: String, _ range: ClosedRange<UInt64>, else usual: UInt64) throws(APIError) -> UInt64 {
        guard let value = values[name] else { return usual }
        guard value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = UInt64(value),
            range.contains(number)
        else {
            throw APIError(.validationFailed, "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The size of a page.
    func limit(else usual: UInt32) throws(APIError) -> UInt32 {
        UInt32(try number("limit", 1...UInt64(RegistryLimits.page), else: UInt64(usual)))
    }

    func offset() throws(APIError) -> UInt64 { try number("offset", 0...UInt64(Int64.max), else: 0) }
}
