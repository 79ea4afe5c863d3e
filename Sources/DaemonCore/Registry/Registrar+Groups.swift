import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore

/// Groups, whose members may be on several nodes.
extension Registrar {
    /// Between two looks for a group's members, in nanoseconds.
    private static let shortestPause: UInt64 = 1_000_000_000
    private static let longestPause: UInt64 = 3600 * 1_000_000_000
    /// So many documents of members are read at one look; the next goes on with others.
    private static let readings = 100

    /// Writes the documents of groups all of whose members are there, and looks for those that are not.
    /// - Parameter groups: those of which a member here is complete, and whether one has just become so.
    func completeGroups(_ groups: [CommitSubject: (request: CommitRequest, isNew: Bool)], _ memory: inout Memory) {
        let searches = memory.searches
        memory.searches = [:]
        let now = System.monotonicNanoseconds()
        for (subject, group) in groups {
            var search = searches[subject] ?? MemberSearch()
            // Somebody who has begun to wait is not to wait for a look that is far off.
            let latest = waiters.isAwaited(subject) ? now + Self.shortestPause : .max
            if let look = search.nextLook, now < look, look <= latest, !group.isNew {
                memory.searches[subject] = search
                memory.findings.missing[subject] = memory.earlier.missing[subject]
                continue
            }
            search.nextLook = nil
            var isComplete = false
            attempt(.commit(subject), at: group.request.run.artifactURI, &memory) { memory throws(ArtifactError) in
                let missing = try complete(group.request, &search, memory.sessions)
                isComplete = missing.isEmpty
                guard !isComplete else { return }
                memory.findings.missing[subject] = missing
                search.nextLook = System.monotonicNanoseconds() + pause(group.request)
            }
            if !isComplete { memory.searches[subject] = search }
        }
    }

    /// How long to wait before looking for members on other nodes again, in nanoseconds: the longer the longer they are missing.
    private func pause(_ request: CommitRequest) -> UInt64 {
        let subject = CommitSubject(run: request.run.id, group: request.group)
        let age = UInt64(max(0, System.wallMilliseconds() - request.requestedAt))
        if waiters.isAwaited(subject) { return Self.shortestPause }
        return min(max(age * 1_000_000 / 8, Self.shortestPause), Self.longestPause)
    }

    /// Writes a member's document. A group commits once: of one that has, a member's document is not replaced.
    /// - Throws: `conflict` where the group is committed with other content.
    func write(
        member bytes: [UInt8], of commit: CommitRequest, below base: String, _ store: RegistryStore
    ) throws(ArtifactError) {
        let key = try ObjectKey("\(base)/\(commit.member).json")
        guard try store.session.head(try ObjectKey("\(base)/commit.json")) != nil else {
            return try store.write(bytes: bytes, at: key)
        }
        try requireAgreement(with: commit, below: base, store)
        guard try store.session.contents(of: key, atMost: RegistryStore.maximumBytes) == bytes else {
            throw ArtifactError(
                .conflict,
                "\(Self.name(commit)) is committed already, with other content for member \(commit.member); use another group")
        }
    }

    /// Writes a group's `commit.json` once every member's document is there, wherever its member was.
    /// - Returns: the members that are still missing.
    /// - Throws: `conflict` where they do not agree on how many they are.
    private func complete(
        _ commit: CommitRequest, _ search: inout MemberSearch, _ sessions: StoreSessions
    ) throws(ArtifactError) -> [UInt32] {
        guard let group = commit.group else { return [] }
        let (store, runBase) = try place(of: commit.run, sessions)
        let base = "\(runBase)/groups/\(group)"
        var isCommitted = false
        var found: [UInt32: String] = [:]
        var after: String?
        repeat {
            let listed = try store.session.list(prefix: base + "/", after: after, limit: 1000)
            for entry in listed.entries {
                let name = entry.key.dropping(base + "/")
                if name == "commit.json" { isCommitted = true }
                if let member = UInt32(name.prefix { $0 != "." }), name == "\(member).json" { found[member] = entry.etag }
            }
            after = listed.next
        } while after != nil
        if isCommitted {
            try requireAgreement(with: commit, below: base, store)
        } else {
            let missing = (0..<commit.members).filter { found[$0] == nil }
            // A number that there should not be comes of another number of members. The others are read anyway when all are there.
            let doubtful = found.filter { !missing.isEmpty || $0.key >= commit.members }
            try requireAgreement(among: doubtful, with: commit, below: base, &search, store)
            guard missing.isEmpty else { return missing }
            try store.writeIfAbsent(bytes: try gather(commit, group, base, store), at: try ObjectKey("\(base)/commit.json"))
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
            let key = try ObjectKey("\(base)/\(member).json")
            guard let document = try store.read(MemberDocument.Body.self, at: key, atMost: &room) else {
                throw ArtifactError(.storeUnavailable, "the store lists '\(key)' and does not show it; it is tried again")
            }
            try Self.require(document.members, as: commit, "member \(member)")
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

    // MARK: Agreement

    /// Reads members' documents that were not read yet, and throws where one names another number of members.
    /// - Parameter found: their ETags, by member.
    private func requireAgreement(
        among found: [UInt32: String], with commit: CommitRequest, below base: String, _ search: inout MemberSearch,
        _ store: RegistryStore
    ) throws(ArtifactError) {
        let unread = found.filter { !search.agreeing.contains("\($0.key) \($0.value)") }
        // Those first that can only disagree.
        for (member, etag) in unread.sorted(by: { $0.key > $1.key }).prefix(Self.readings) {
            let document = try store.read(MemberDocument.Head.self, at: try ObjectKey("\(base)/\(member).json"))
            guard let document else { continue }
            try Self.require(document.members, as: commit, "member \(member)")
            search.agreeing.insert("\(member) \(etag)")
        }
    }

    /// Throws where a group's `commit.json` names another number of members.
    private func requireAgreement(
        with commit: CommitRequest, below base: String, _ store: RegistryStore
    ) throws(ArtifactError) {
        guard let committed = try store.read(GroupDocument.Head.self, at: try ObjectKey("\(base)/commit.json")) else { return }
        try Self.require(committed.members, as: commit, "its commit.json")
    }

    private static func require(_ members: UInt32, as commit: CommitRequest, _ who: String) throws(ArtifactError) {
        guard members == commit.members else {
            throw ArtifactError(
                .conflict,
                "\(name(commit)) has \(members) members by what \(who) says in the store, and \(commit.members) by what was said "
                    + "here; use another group, and name the same number in all of its members")
        }
    }

    private static func name(_ commit: CommitRequest) -> String {
        "group '\(commit.group ?? "")' of run '\(commit.run.id)'"
    }
}
