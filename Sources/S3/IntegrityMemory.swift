public import ArtifactModel
public import ObjectStore

/// Remembers across restarts what an endpoint was found to verify.
public protocol IntegrityMemory: Sendable {
    /// What was remembered of this place; nil when nothing was.
    func recall(_ place: String) throws(ArtifactError) -> Integrity?
    /// Remembers what was found at this place. A place is an opaque text that names endpoint, bucket and setting.
    func remember(_ integrity: Integrity, of place: String) throws(ArtifactError)
}
