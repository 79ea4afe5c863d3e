import ArtifactClient
import ArtifactModel
import ArtifactWire
import FoundationEssentials

extension Client {
    /// The experiment that the command line calls by its id or its name.
    func experiment(called text: String) throws(ClientError) -> Experiment {
        guard let id = Self.experimentID(text) else { return try experiment(.name(text)) }
        do throws(ClientError) {
            return try experiment(.id(id))
        } catch {
            // A name may look like an id.
            guard case .failure(let refusal) = error, refusal.code == .notFound else { throw error }
            return try experiment(.name(text))
        }
    }

    /// Where a run is to begin. By name the experiment is made where there is none; what looks like an id must be one, or a slip
    /// would make an experiment of that name.
    func experimentToStartIn(called text: String) throws(ClientError) -> ExperimentReference {
        Self.experimentID(text) == nil ? .name(text) : .id(try experiment(called: text).id)
    }

    private static func experimentID(_ text: String) -> String? { UUID(uuidString: text)?.uuidString.lowercased() }
}
