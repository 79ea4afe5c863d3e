import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import ObjectStore
import WorkerPool

/// Removes artifacts of a run: cancels what is pending, and deletes what is stored.
struct ArtifactRemoval: Sendable {
    typealias Cancel = @Sendable (JobID, @escaping @Sendable (Result<Void, ArtifactError>) -> Void) -> Void

    /// How long cancelled jobs may take to let go, in nanoseconds.
    private static let patience: UInt64 = 60_000_000_000

    let journal: Journal
    let stores: Stores
    let cancel: Cancel

    /// - Returns: how many artifacts are gone.
    func remove(_ request: DeleteArtifacts, of run: Run, _ sessions: StoreSessions) throws(ArtifactError) -> Int {
        let removed = try journal.markRemoved(run: run.id, path: request.path, isRecursive: request.isRecursive)
        try cancelAll(removed.jobs)
        var paths = Set(removed.paths.map { Array($0.utf8) })
        if !run.isProvisional {
            let (store, base) = try stores.place(ofArtifacts: run)
            let session = sessions[store]
            if request.isRecursive {
                var after: String?
                repeat {
                    let page = try session.list(prefix: base + request.path, after: after, limit: 1000)
                    for entry in page.entries {
                        let path = entry.key.dropping(base)
                        guard path.lies(within: request.path) else { continue }
                        if try delete(path, of: run, at: try ObjectKey(entry.key), session) { paths.insert(Array(path.utf8)) }
                    }
                    after = page.next
                } while after != nil
            } else if try exists(try ObjectKey(base + request.path), session) {
                let key = try ObjectKey(base + request.path)
                if try delete(request.path, of: run, at: key, session) { paths.insert(Array(request.path.utf8)) }
            }
        }
        guard !paths.isEmpty else {
            throw ArtifactError(.notFound, "run '\(run.id)' has no artifact '\(request.path.escapedForLog)'")
        }
        return paths.count
    }

    private func exists(_ key: ObjectKey, _ session: any ObjectStoreSession) throws(ArtifactError) -> Bool {
        do throws(ArtifactError) { return try session.head(key) != nil } catch {
            // A damaged object is there all the same, and can be removed.
            guard error.code == .corruptObject else { throw error }
            return true
        }
    }

    /// - Returns: false when the path was handed over again meanwhile: that is not what was to be removed.
    private func delete(
        _ path: String, of run: Run, at key: ObjectKey, _ session: any ObjectStoreSession
    ) throws(ArtifactError) -> Bool {
        let later = try journal.artifacts(ArtifactQuery(run: run.id, path: path, limit: 1))
        if let first = later.first, first.path.utf8.elementsEqual(path.utf8) { return false }
        try session.delete(key)
        return true
    }

    /// Cancels jobs, and waits until no worker has one any more: an object must not appear behind its deletion.
    private func cancelAll(_ jobs: [JobID]) throws(ArtifactError) {
        let left = Monitor<(count: Int, error: ArtifactError?)>((jobs.count, nil))
        for job in jobs {
            cancel(job) { outcome in
                left.withLock { left in
                    left.count -= 1
                    if case .failure(let error) = outcome, error.code != .notFound { left.error = error }
                }
                left.signal()
            }
        }
        let deadline = System.monotonicNanoseconds() + Self.patience
        let late = ArtifactError(.timeout, "uploads that are under way have not let go yet; delete the artifacts again")
        let error = left.waitTimed { (left) -> Turn<ArtifactError?> in
            if left.count == 0 { return .done(left.error) }
            return System.monotonicNanoseconds() >= deadline ? .done(late) : .wait(until: deadline)
        }
        if let error { throw error }
    }
}
