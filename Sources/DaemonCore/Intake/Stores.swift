import ArtifactModel
import ObjectStore

/// The stores that destinations can lie in: the daemon's own, and those that the configuration allows besides.
final class Stores: Sendable {
    /// An object's place.
    struct Target: Sendable {
        /// Which store, an index into `all`.
        var store: Int
        var key: ObjectKey
        /// The object's URI in full.
        var uri: String
    }

    /// The daemon's own store comes first.
    let all: [any ObjectStore]

    init(_ all: [any ObjectStore]) { self.all = all }

    /// The daemon's own store.
    var location: StoreLocation { all[0].location }

    /// Where a destination lies: a URI, or a key relative to the daemon's own store.
    /// - Throws: `destinationNotAllowed` or `invalidKey`.
    func resolve(_ destination: String) throws(ArtifactError) -> Target {
        let (store, text) = try place(of: destination)
        let location = all[store].location
        let key =
            switch location {
            case .s3(_, let prefix): try ObjectKey(text, belowPrefix: prefix)
            case .directory: try ObjectKey(text)
            }
        return Target(store: store, key: key, uri: location.uri(ofKey: key.text))
    }

    /// The store that a listing's prefix lies in, and the prefix relative to it.
    func place(of destination: String) throws(ArtifactError) -> (store: Int, text: String) {
        // The store with the longest location that fits: one destination prefix can lie below another.
        let fitting = all.indices.compactMap { index in
            all[index].location.relativeKey(of: destination).map { (index, $0) }
        }
        if !destination.isURI, let own = fitting.first { return own }
        guard
            let best = fitting.max(by: { all[$0.0].location.description.utf8.count < all[$1.0].location.description.utf8.count })
        else {
            let allowed = all.map { $0.location.description + "/" }.joined(separator: ", ")
            throw ArtifactError(
                .destinationNotAllowed,
                "'\(destination.escapedForLog)' lies outside the store; destinations must begin with \(allowed) "
                    + "(further ones are configured under 'destinations:')")
        }
        return best
    }
}
