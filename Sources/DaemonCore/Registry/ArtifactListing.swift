import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import ObjectStore
import WorkerPool

/// A run's artifacts: those that the journal knows, and those that only the store does because another node wrote them.
struct ArtifactListing: Sendable {
    /// The most entries of one answer: URIs of the longest keys still fit into a frame.
    private static let pageLimit = 200
    /// How long cancelled jobs may take to let go, in nanoseconds.
    private static let patience: UInt64 = 60_000_000_000

    let journal: Journal
    let stores: Stores

    // MARK: Listing

    func page(of run: Run, _ request: ListArtifacts, _ sessions: StoreSessions) throws(ArtifactError) -> Artifacts {
        let limit = min(Int(request.limit), Self.pageLimit)
        let own = try journal.artifacts(
            ArtifactQuery(run: run.id, path: request.path, kind: request.kind, after: request.after, limit: limit))
        var found = Dictionary(own.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        // Behind this path nothing is known yet.
        var horizon = own.count == limit ? own.last?.path : nil
        var incomplete: ArtifactError?
        if !run.isProvisional {
            do throws(ArtifactError) {
                let (foreign, next) = try stored(run, request, limit, sessions)
                for artifact in foreign where found[artifact.path] == nil { found[artifact.path] = artifact }
                if let next { horizon = horizon.map { Self.precedes($0, next) ? $0 : next } ?? next }
            } catch {
                guard error.code.isTransient else { throw error }
                incomplete = error
            }
        }
        var artifacts = found.values.sorted { Self.precedes($0.path, $1.path) }
        if let end = horizon { artifacts.removeAll { Self.precedes(end, $0.path) } }
        if artifacts.count > limit {
            artifacts.removeLast(artifacts.count - limit)
            horizon = artifacts.last?.path
        }
        return Artifacts(artifacts: artifacts, next: horizon, incomplete: incomplete)
    }

    /// What the store lists, described by the manifests as far as they know it.
    private func stored(
        _ run: Run, _ request: ListArtifacts, _ limit: Int, _ sessions: StoreSessions
    ) throws(ArtifactError) -> (artifacts: [ArtifactRecord], next: String?) {
        let (store, base) = try place(of: run)
        let page = try sessions[store].list(
            prefix: base + (request.path ?? ""), after: request.after.map { base + $0 }, limit: limit)
        let location = stores.all[store].location
        var artifacts: [ArtifactRecord] = []
        for entry in page.entries {
            let path = String(entry.key.dropFirst(base.count))
            let kind = ArtifactKind(path: path)
            guard request.path.map({ Self.holds(path, within: $0) }) ?? true, request.kind.map({ $0 == kind }) ?? true else { continue }
            artifacts.append(
                ArtifactRecord(
                    path: path, uri: location.uri(ofKey: entry.key), size: nil, kind: kind,
                    contentType: ArtifactKind.contentType(path: path), state: .stored, storedSize: entry.size, etag: entry.etag,
                    updatedAt: entry.modifiedAt))
        }
        if !artifacts.isEmpty {
            let known = try manifests(of: run, sessions)
            for index in artifacts.indices {
                guard let document = known[artifacts[index].path], document.etag == artifacts[index].etag else { continue }
                artifacts[index].size = document.size
                artifacts[index].checksum = document.checksum
                artifacts[index].contentType = document.contentType
                artifacts[index].encoding = document.encoding.flatMap(ContentEncoding.init(name:))
            }
        }
        return (artifacts, page.next.map { String($0.dropFirst(base.count)) })
    }

    /// What all daemons' manifests say, by path.
    private func manifests(of run: Run, _ sessions: StoreSessions) throws(ArtifactError) -> [String: ArtifactDocument] {
        let (store, artifacts) = try place(of: run)
        let base = artifacts.dropLast("artifacts/".count) + "manifests/"
        let session = sessions[store]
        var known: [String: ArtifactDocument] = [:]
        for entry in try session.list(prefix: String(base), after: nil, limit: 1000).entries {
            let document = try RegistryStore(session: session).read(ManifestDocument.self, at: try ObjectKey(entry.key))
            for artifact in document?.artifacts ?? [] { known[artifact.path] = artifact }
        }
        return known
    }

    /// The store of a run, and what the keys of its artifacts there begin with.
    private func place(of run: Run) throws(ArtifactError) -> (store: Int, base: String) {
        let (store, text) = try stores.place(of: run.artifactURI)
        return (store, text + "/")
    }

    private static func holds(_ path: String, within prefix: String) -> Bool {
        prefix.isEmpty || path.utf8.elementsEqual(prefix.utf8) || path.utf8.starts(with: "\(prefix)/".utf8)
    }

    private static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }

    // MARK: Deleting

    /// - Returns: how many artifacts are gone.
    func delete(
        _ request: DeleteArtifacts, of run: Run, _ sessions: StoreSessions, cancel: Registry.Cancel
    ) throws(ArtifactError) -> Int {
        let removed = try journal.markRemoved(run: run.id, path: request.path, isRecursive: request.isRecursive)
        try self.cancel(removed.jobs, by: cancel)
        var paths = Set(removed.paths)
        if !run.isProvisional {
            let (store, base) = try place(of: run)
            let session = sessions[store]
            for key in try keys(request, base, session) {
                try session.delete(key)
                paths.insert(String(key.text.dropFirst(base.count)))
            }
        }
        guard !paths.isEmpty else {
            throw ArtifactError(.notFound, "run '\(run.id)' has no artifact '\(request.path.escapedForLog)'")
        }
        return paths.count
    }

    private func keys(
        _ request: DeleteArtifacts, _ base: String, _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> [ObjectKey] {
        guard request.isRecursive else {
            let key = try ObjectKey(base + request.path)
            return try session.head(key) == nil ? [] : [key]
        }
        var keys: [ObjectKey] = []
        var after: String?
        repeat {
            let page = try session.list(prefix: base + request.path, after: after, limit: 1000)
            for entry in page.entries where Self.holds(String(entry.key.dropFirst(base.count)), within: request.path) {
                keys.append(try ObjectKey(entry.key))
            }
            after = page.next
        } while after != nil
        return keys
    }

    /// Cancels jobs, and waits until no worker has one any more: an object must not appear behind its deletion.
    private func cancel(_ jobs: [JobID], by cancel: Registry.Cancel) throws(ArtifactError) {
        let left = Monitor(jobs.count)
        for job in jobs {
            cancel(job) { _ in
                left.withLock { $0 -= 1 }
                left.signal()
            }
        }
        let deadline = System.monotonicNanoseconds() + Self.patience
        let isDone = left.waitTimed { (left) -> Turn<Bool> in
            if left == 0 { return .done(true) }
            return System.monotonicNanoseconds() >= deadline ? .done(false) : .wait(until: deadline)
        }
        guard isDone else {
            throw ArtifactError(.timeout, "uploads that are under way have not let go yet; delete the artifacts again")
        }
    }
}
