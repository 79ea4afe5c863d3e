import ArtifactModel
import ArtifactWire
import Journal
import ObjectStore

/// Lists a run's artifacts: those that the journal knows, and those that only the store does because another node wrote them.
struct ArtifactListing: Sendable {
    /// The most entries that are gathered for one answer.
    private static let pageLimit = 500

    let journal: Journal
    let stores: Stores
    let dispatcher: Dispatcher
    let manifests: ManifestReader

    func page(of run: Run, _ request: ListArtifacts, _ sessions: StoreSessions) throws(ArtifactError) -> Artifacts {
        let limit = min(Int(request.limit), Self.pageLimit)
        let own = try journal.artifacts(
            ArtifactQuery(run: run.id, path: request.path, kind: request.kind, after: request.after, limit: limit))
        var found: [[UInt8]: ArtifactRecord] = [:]
        for artifact in own { found[Array(artifact.path.utf8)] = current(artifact) }
        /// Behind this path nothing is known yet.
        var horizon = own.count == limit ? own.last?.path : nil
        var incomplete: ArtifactError?
        do throws(ArtifactError) {
            let stored = try stored(run, request, limit, sessions)
            // What was stored and is not there any more was deleted from another node.
            for (path, artifact) in found where artifact.state == .stored && stored.artifacts[path] == nil {
                if stored.next.map({ !Self.precedes($0, artifact.path) }) ?? true { found[path] = nil }
            }
            for (path, artifact) in stored.artifacts {
                found[path] =
                    try found[path].map { (own) throws(ArtifactError) in try newest(own, artifact, in: run) } ?? artifact
            }
            if let next = stored.next { horizon = horizon.map { Self.precedes($0, next) ? $0 : next } ?? next }
            incomplete = stored.trouble
        } catch {
            incomplete = error.code == .cancelled ? .silentStore : error
        }
        var artifacts = found.values.sorted { Self.precedes($0.path, $1.path) }
        if let end = horizon { artifacts.removeAll { Self.precedes(end, $0.path) } }
        let fitting = FrameRoom.fitting(Array(artifacts.prefix(limit))) { artifact in
            [
                artifact.path, artifact.uri, artifact.contentType, artifact.checksum ?? "", artifact.etag ?? "",
                artifact.error?.message ?? "", artifact.error?.cause ?? "",
            ]
        }
        if fitting.count < artifacts.count { horizon = fitting.last?.path }
        return Artifacts(artifacts: fitting, next: horizon, incomplete: incomplete)
    }

    /// What there is at a path that the journal and the store both know: what is pending here, or what the store has, which another
    /// node may have written.
    private func newest(_ own: ArtifactRecord, _ stored: ArtifactRecord, in run: Run) throws(ArtifactError) -> ArtifactRecord {
        guard own.state == .stored, own.etag != stored.etag else { return own }
        // The store was asked later than the journal: a newer version of our own may have come in between.
        let latest = try journal.artifacts(ArtifactQuery(run: run.id, path: own.path, limit: 1)).first
        guard let latest, latest.job != own.job else { return stored }
        return current(latest)
    }

    /// The artifact with what has changed since the journal was last written.
    private func current(_ artifact: ArtifactRecord) -> ArtifactRecord {
        guard let job = artifact.job, !artifact.state.isFinal else { return artifact }
        var artifact = artifact
        let isActive = dispatcher.progress(of: job) != nil
        artifact.state = isActive ? .uploading : .accepted
        if !isActive { artifact.error = dispatcher.trouble(of: job) ?? artifact.error }
        return artifact
    }

    /// A page of what the store has of a run.
    private struct StoredPage {
        /// By path.
        var artifacts: [[UInt8]: ArtifactRecord] = [:]
        /// The path that the next page begins behind; nil for the last.
        var next: String?
        /// Why less is known of them than could be.
        var trouble: ArtifactError?
    }

    /// What the store lists, described by the manifests as far as they know it.
    private func stored(
        _ run: Run, _ request: ListArtifacts, _ limit: Int, _ sessions: StoreSessions
    ) throws(ArtifactError) -> StoredPage {
        if run.isProvisional {
            throw ArtifactError(
                .storeUnavailable,
                "the store has not confirmed yet where run '\(run.id)' lies; what other nodes wrote is not shown")
        }
        let (store, base) = try stores.place(ofArtifacts: run)
        try dispatcher.requireHealth(of: store)
        let listed = try sessions[store].list(
            prefix: base + (request.path ?? ""), after: request.after.map { base + $0 }, limit: limit)
        let location = stores.all[store].location
        var page = StoredPage(next: listed.next?.dropping(base))
        for entry in listed.entries {
            let path = entry.key.dropping(base)
            let kind = ArtifactKind(path: path)
            guard request.path.map({ path.lies(within: $0) }) ?? true, request.kind.map({ $0 == kind }) ?? true else { continue }
            page.artifacts[Array(path.utf8)] = ArtifactRecord(
                path: path, uri: location.uri(ofKey: entry.key), size: nil, kind: kind,
                contentType: ArtifactKind.contentType(path: path), state: .stored, storedSize: entry.size, etag: entry.etag,
                updatedAt: entry.modifiedAt)
        }
        do throws(ArtifactError) {
            if !page.artifacts.isEmpty { try manifests.describe(&page.artifacts, of: run, sessions) }
        } catch {
            page.trouble = error.code == .cancelled ? .silentStore : error
        }
        return page
    }

    private static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}
