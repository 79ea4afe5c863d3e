import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore

/// Manifests of runs, and of groups' members.
extension Registrar {
    /// Writes what can be written by now.
    func advanceCommits(_ memory: inout Memory) throws(ArtifactError) {
        /// The groups of which a member here is complete, and whether one has just become so.
        var groups: [CommitSubject: (request: CommitRequest, isNew: Bool)] = [:]
        var isAnyOpen = false
        try forEach { (last: CommitRequest?) throws(ArtifactError) in
            let commits = try journal.openCommits(after: last?.number ?? 0, limit: page)
            // Before they are counted: a job that ends from here on rings.
            if !commits.isEmpty { bell.awaitJobs(true) }
            return commits
        } _: { commit throws(ArtifactError) in
            isAnyOpen = true
            let subject = CommitSubject(run: commit.run.id, group: commit.group)
            if write(commit, subject, &memory), commit.group != nil {
                groups[subject] = (commit, !commit.isWritten || groups[subject]?.isNew ?? false)
            }
        }
        if !isAnyOpen { bell.awaitJobs(false) }
        completeGroups(groups, &memory)
    }

    /// Writes a manifest, if it is not written and can be.
    /// - Returns: whether it is written now.
    private func write(_ commit: CommitRequest, _ subject: CommitSubject, _ memory: inout Memory) -> Bool {
        guard !commit.run.isProvisional else { return false }
        if let error = memory.findings.errors[.run(commit.run.id)], error.code == .conflict {
            memory.findings.errors[.commit(subject)] = error
            return false
        }
        var isWritten = commit.isWritten
        if !isWritten {
            attempt(.commit(subject), at: commit.run.artifactURI, &memory) { memory throws(ArtifactError) in
                isWritten = try write(commit, memory.sessions)
            }
        }
        return isWritten
    }

    /// Writes a manifest, once every artifact that it names is stored.
    /// - Returns: whether it is written now.
    private func write(_ commit: CommitRequest, _ sessions: StoreSessions) throws(ArtifactError) -> Bool {
        let progress = try journal.commitProgress(commit)
        guard progress.pending == 0, progress.failed == 0 else { return false }
        var list = ArtifactListDocument()
        var after: String?
        repeat {
            let artifacts = try journal.manifestArtifacts(commit, after: after, limit: page)
            try list.append(artifacts.map(ArtifactDocument.init))
            after = artifacts.count == page ? artifacts.last?.path : nil
        } while after != nil
        let (store, base) = try place(of: commit.run, sessions)
        let now = System.wallMilliseconds()
        if let group = commit.group {
            let head = MemberDocument.Head(runID: commit.run.id, group: group, member: commit.member, members: commit.members)
            try write(member: try list.finished(head), of: commit, below: "\(base)/groups/\(group)", store)
        } else {
            let head = ManifestDocument.Head(
                runID: commit.run.id, daemon: journal.daemonID, status: "\(commit.run.status)", committedAt: now)
            try store.write(bytes: try list.finished(head), at: try ObjectKey("\(base)/manifests/\(journal.daemonID).json"))
        }
        if try journal.manifestWritten(commit, at: now) { return true }
        // Asked for again meanwhile: the next pass writes it once more.
        bell.ring()
        return false
    }

    /// The store of a run, and the key that all of it lies below.
    func place(of run: Run, _ sessions: StoreSessions) throws(ArtifactError) -> (RegistryStore, base: String) {
        let (store, base) = try stores.place(of: Experiment.runURI(artifactURI: run.artifactURI))
        return (RegistryStore(session: sessions[store]), base)
    }
}
