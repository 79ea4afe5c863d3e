import ArtifactModel
import Journal
import Synchronization

/// The runs that artifacts are handed over to, so that a hand-over need not wait for the journal to look its run up.
///
/// What it says may be old: where an artifact really goes, and whether it may, the journal decides when it takes the job.
final class RunCache: Sendable {
    private static let limit = 1024

    private let journal: Journal
    private let runs = Mutex<[String: Run]>([:])

    init(journal: Journal) { self.journal = journal }

    /// - Throws: `notFound` for a run that this daemon has not seen.
    subscript(_ id: String) -> Run {
        get throws(ArtifactError) {
            if let run = runs.withLock({ $0[id] }) { return run }
            guard let run = try journal.run(id) else {
                throw ArtifactError(
                    .notFound, "there is no run '\(id)' here; start it, or attach to it where another node started it")
            }
            runs.withLock { runs in
                if runs.count >= Self.limit { runs = [:] }
                runs[id] = run
            }
            return run
        }
    }
}
