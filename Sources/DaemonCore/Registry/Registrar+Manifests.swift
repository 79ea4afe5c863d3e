import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore

/// Manifests of runs, and of groups and their members.
extension Registrar {
    private static let page = 1000
    /// Between two looks for a group's members, in nanoseconds.
    private static let shortestPause: UInt64 = 1_000_000_000
    private static let longestPause: UInt64 = 3600 * 1_000_000_000

    /// Writes what can be written by now.
    func advance(_ commits: [CommitRequest], _ memory: inout Memory) {
        /// The groups of which a member here is complete, and whether one has just become so.
        var groups: [CommitSubject: (request: CommitRequest, isNew: Bool)] = [:]
        for commit in commits where !commit.run.isProvisional {
            let subject = CommitSubject(run: commit.run.id, group: commit.group)
            var isWritten = commit.isWritten
            if !isWritten {
                attempt(.commit(subject), at: commit.run.artifactURI, &memory) { memory throws(ArtifactError) in
                    isWritten = try write(commit, memory.sessions)
                }
            }
            if commit.group != nil, isWritten {
                groups[subject] = (commit, !commit.isWritten || groups[subject]?.isNew ?? false)
            }
        }
        let looks = memory.looks
        memory.looks = [:]
        let now = System.monotonicNanoseconds()
        for (subject, group) in groups {
            // Somebody who has begun to wait is not to wait for a look that is far off.
            let latest = waiters.isAwaited(subject) ? now + Self.shortestPause : .max
            if let look = looks[subject], now < look, look <= latest, !group.isNew {
                memory.looks[subject] = look
                memory.findings.missing[subject] = memory.earlier.missing[subject]
                continue
            }
            attempt(.commit(subject), at: group.request.run.artifactURI, &memory) { memory throws(ArtifactError) in
                let missing = try complete(group.request, memory.sessions)
                guard !missing.isEmpty else { return }
                memory.findings.missing[subject] = missing
                memory.looks[subject] = System.monotonicNanoseconds() + pause(group.request)
            }
        }
    }

    /// How long to wait before looking for members on other nodes again, in nanoseconds: the longer the longer they are missing.
    private func pause(_ request: CommitRequest) -> UInt64 {
        let subject = CommitSubject(run: request.run.id, group: request.group)
        let age = UInt64(max(0, System.wallMilliseconds() - request.requestedAt))
        if waiters.isAwaited(subject) { return Self.shortestPause }
        return min(max(age * 1_000_000 / 8, Self.shortestPause), Self.longestPause)
    }

    /// Writes a manifest, once every artifact that it names is stored.
    /// - Returns: whether it is written now.
    private func write(_ commit: CommitRequest, _ sessions: StoreSessions) throws(ArtifactError) -> Bool {
        let progress = try journal.commitProgress(commit)
        guard progress.pending == 0, progress.failed == 0 else { return false }
        var list = ArtifactListDocument()
        var after: String?
        repeat {
            let page = try journal.manifestArtifacts(commit, after: after, limit: Self.page)
            try list.append(page.map(ArtifactDocument.init))
            after = page.count == Self.page ? page.last?.path : nil
        } while after != nil
        let (store, base) = try place(of: commit.run, sessions)
        let now = System.wallMilliseconds()
        if let group = commit.group {
            let head = MemberDocument.Head(runID: commit.run.id, group: group, member: commit.member, members: commit.members)
            try store.write(bytes: try list.finished(head), at: try ObjectKey("\(base)/groups/\(group)/\(commit.member).json"))
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

    /// Writes a group's `commit.json` once every member's document is there, wherever its member was.
    /// - Returns: the members that are still missing.
    private func complete(_ commit: CommitRequest, _ sessions: StoreSessions) throws(ArtifactError) -> [UInt32] {
        guard let group = commit.group else { return [] }
        let (store, runBase) = try place(of: commit.run, sessions)
        let base = "\(runBase)/groups/\(group)/"
        var names: Set<String> = []
        var after: String?
        repeat {
            let page = try store.session.list(prefix: base, after: after, limit: Self.page)
            names.formUnion(page.entries.map { $0.key.dropping(base) })
            after = page.next
        } while after != nil
        if !names.contains("commit.json") {
            let missing = (0..<commit.members).filter { !names.contains("\($0).json") }
            guard missing.isEmpty else { return missing }
            try store.writeIfAbsent(bytes: try gather(commit, group, base, store), at: try ObjectKey("\(base)commit.json"))
        }
        try journal.groupCommitted(run: commit.run.id, group: group, at: System.wallMilliseconds())
        return []
    }

    /// The content of a group's `commit.json`, which follows from its members' documents alone.
    private func gather(
        _ commit: CommitRequest, _ group: String, _ base: String, _ store: RegistryStore
    ) throws(ArtifactError) -> [UInt8] {
        var artifacts: [(member: UInt32, document: ArtifactDocument)] = []
        var room = RegistryStore.maximumBytes
        for member in 0..<commit.members {
            let key = try ObjectKey("\(base)\(member).json")
            guard let document = try store.read(MemberDocument.Body.self, at: key, atMost: &room) else {
                throw ArtifactError(.storeUnavailable, "the store lists '\(key)' and does not show it; it is tried again")
            }
            guard document.members == commit.members else {
                throw ArtifactError(
                    .conflict,
                    "member \(member) of group '\(group)' of run '\(commit.run.id)' says that the group has \(document.members) "
                        + "members, and here they are \(commit.members); name the same number in all of them")
            }
            artifacts += document.artifacts.map { (member, $0) }
        }
        artifacts.sort { left, right in
            let (first, second) = (left.document.path.utf8, right.document.path.utf8)
            return first.elementsEqual(second) ? left.member < right.member : first.lexicographicallyPrecedes(second)
        }
        var list = ArtifactListDocument()
        try list.append(artifacts.map(\.document))
        return try list.finished(GroupDocument.Head(runID: commit.run.id, group: group, members: commit.members))
    }

    /// The store of a run, and the key that all of it lies below.
    private func place(of run: Run, _ sessions: StoreSessions) throws(ArtifactError) -> (RegistryStore, base: String) {
        let (store, base) = try stores.place(of: Experiment.runURI(artifactURI: run.artifactURI))
        return (RegistryStore(session: sessions[store]), base)
    }
}
