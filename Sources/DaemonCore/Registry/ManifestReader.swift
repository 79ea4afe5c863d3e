import ArtifactModel
import ObjectStore
import Synchronization

/// Reads what the manifests of all daemons say of a run's artifacts, and keeps what it last read: pages of one listing follow each
/// other.
final class ManifestReader: Sendable {
    /// So many artifacts are kept, at most.
    private static let limit = 50_000

    /// One version of an artifact: several daemons may have written to one path, and each names its own.
    private struct Version: Hashable {
        var path: [UInt8]
        var etag: String?
    }

    /// What was read, and of which versions of the manifests.
    private struct Reading: Sendable {
        var manifests: [String]
        var artifacts: [Version: ArtifactDocument] = [:]
    }

    private let stores: Stores
    private let last = Mutex<Reading?>(nil)

    init(stores: Stores) { self.stores = stores }

    /// Adds to artifacts what a manifest says of them, where one speaks of that version.
    func describe(_ artifacts: inout [[UInt8]: ArtifactRecord], of run: Run, _ sessions: StoreSessions) throws(ArtifactError) {
        let known = try read(run, sessions)
        for (path, artifact) in artifacts {
            guard let document = known[Version(path: path, etag: artifact.etag)] else { continue }
            artifacts[path]?.size = document.size
            artifacts[path]?.checksum = document.checksum
            artifacts[path]?.contentType = document.contentType
            artifacts[path]?.encoding = document.encoding.flatMap(ContentEncoding.init(name:))
        }
    }

    private func read(_ run: Run, _ sessions: StoreSessions) throws(ArtifactError) -> [Version: ArtifactDocument] {
        let (store, artifacts) = try stores.place(ofArtifacts: run)
        let session = sessions[store]
        let base = String(artifacts.dropLast("artifacts/".count)) + "manifests/"
        let entries = try session.list(prefix: base, after: nil, limit: 1000).entries
        var reading = Reading(manifests: entries.map { "\(stores.all[store].location.uri(ofKey: $0.key)) \($0.etag)" })
        if let kept = last.withLock({ $0 }), kept.manifests == reading.manifests { return kept.artifacts }
        var room = RegistryStore.maximumBytes
        for entry in entries {
            let document = try RegistryStore(session: session).read(
                ManifestDocument.Body.self, at: try ObjectKey(entry.key), atMost: &room)
            for artifact in document?.artifacts ?? [] {
                reading.artifacts[Version(path: Array(artifact.path.utf8), etag: artifact.etag)] = artifact
            }
        }
        if reading.artifacts.count <= Self.limit { last.withLock { [reading] in $0 = reading } }
        return reading.artifacts
    }
}
