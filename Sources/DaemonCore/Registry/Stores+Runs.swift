import ArtifactModel

extension Stores {
    /// The store of a run's artifacts, and what their keys there begin with.
    func place(ofArtifacts run: Run) throws(ArtifactError) -> (store: Int, base: String) {
        let (store, text) = try place(of: run.artifactURI)
        return (store, text + "/")
    }
}
