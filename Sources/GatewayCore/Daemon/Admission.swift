import Synchronization

/// A bound on how many do the same at once. Who is too many is refused, and can come again.
final class Admission: Sendable {
    /// One who is inside, until nobody holds this any more.
    final class Place: Sendable {
        private let admission: Admission

        fileprivate init(in admission: Admission) { self.admission = admission }

        deinit { admission.inside.subtract(1, ordering: .relaxed) }
    }

    let limit: Int
    private let what: String
    private let inside = Atomic(0)

    /// - Parameter what: what is bounded, for the refusal.
    init(limit: Int, of what: String) {
        self.limit = limit
        self.what = what
    }

    /// How many are inside.
    var count: Int { inside.load(ordering: .relaxed) }

    /// - Throws: `rateLimited` where too many are inside.
    func enter() throws(APIError) -> Place {
        let count = inside.add(1, ordering: .relaxed).newValue
        let place = Place(in: self)
        guard count <= limit else {
            throw APIError(.rateLimited, "\(limit) \(what) are under way, no more are taken; try again")
        }
        return place
    }
}
