import ArtifactModel

/// The content codings that a client takes (RFC 9110, section 12.5.3).
struct AcceptEncoding: Sendable, Equatable {
    /// In which form a stored object goes out.
    enum Form: Sendable, Equatable {
        /// Byte for byte as it lies in the store, its coding named.
        case asStored
        case decoded
    }

    /// What names a coding that has no weight of its own.
    private static let any = "*"
    /// A client that says nothing of bare bytes takes them, and rather has anything that it names.
    private static let unnamed = 0.5
    /// By the coding's name in lower case, in thousandths.
    private var weights: [String: Double] = [:]

    /// - Parameter header: nil where there is none. A coding whose weight is no number from 0 to 1 is not taken as named.
    init(_ header: String?) {
        for member in (header ?? "").split(separator: ",") {
            let words = member.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = words.first, !name.isEmpty, let weight = Self.weight(words.dropFirst()) else { continue }
            weights[name == "x-gzip" ? "gzip" : name] = weight
        }
    }

    /// The form that the client likes best; nil where it takes none.
    ///
    /// A coding is passed on only to a client that names it, or that likes it better than bare bytes: many that say `*`, or nothing,
    /// do not decode.
    func form(of encoding: ContentEncoding) -> Form? {
        let bare = weights["identity"] ?? weights[Self.any] ?? Self.unnamed
        guard encoding != .identity else { return bare > 0 ? .asStored : nil }
        let name = "\(encoding)"
        let coded = weights[name] ?? weights[Self.any] ?? 0
        if coded > 0, coded > bare || weights[name] != nil && coded == bare { return .asStored }
        return bare > 0 ? .decoded : nil
    }

    /// The weight among a member's parameters, in thousandths: 1000 where there is none; nil where it is none.
    private static func weight(_ parameters: ArraySlice<String>) -> Double? {
        guard let text = parameters.first else { return 1000 }
        guard parameters.count == 1, text.hasPrefix("q="), text.utf8.count <= 7, let weight = Double(text.dropFirst(2)),
            (0...1).contains(weight)
        else { return nil }
        return weight * 1000
    }
}
