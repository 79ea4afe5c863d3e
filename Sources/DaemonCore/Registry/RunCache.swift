import ArtifactModel
import Journal
import Synchronization

/// Where runs lie that artifacts are handed over to, so that a hand-over need not wait for the journal to look its run up.
///
/// What it says may be old: where an artifact really goes, and whether it may, the journal decides when it takes the job.
final class RunCache: Sendable {
    /// What a hand-over needs to know of its run.
    struct Place: Sendable {
        var experimentID: String
        var artifactURI: String
    }

    private static let limit = 4096

    private let journal: Journal
    private let places = Mutex<[String: Place]>([:])

    init(journal: Journal) { self.journal = journal }

    /// - Throws: `notFound` for a run that this daemon has not seen.
    subscript(_ id: String) -> Place {
        get throws(ArtifactError) {
            if let place = places.withLock({ $0[id] }) { return place }
            guard let run = try journal.run(id) else { throw .unseenRun(id) }
            let place = Place(experimentID: run.experimentID, artifactURI: run.artifactURI)
            places.withLock { places in
                if places.count >= Self.limit { places = [:] }
                places[id] = place
            }
            return place
        }
    }
}

extension ArtifactError {
    /// Refuses what concerns a run that this daemon has not seen.
    static func unseenRun(_ id: String) -> ArtifactError {
        ArtifactError(.notFound, "there is no run '\(id)' here; start it, or attach to it where another node started it")
    }
}
