import ArtifactModel
import Testing

@testable import Journal

@Suite struct CommitTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func open(_ journal: Journal) throws -> [String] {
        try journal.openCommits(limit: 10).map { "\($0.run.id) \($0.group ?? "-") \($0.member) \($0.isWritten)" }
    }

    private func progress(_ request: CommitRequest, _ journal: Journal) throws -> [Int] {
        let (pending, failed) = try journal.commitProgress(request)
        return [pending, failed]
    }

    /// A request is read back with its run and bound, in the order of the requests, until its manifest is written.
    @Test func wholeRun() throws {
        try scratch.withJournal { journal throws in
            for id in ["r2", "r1"] { try journal.start(id) }
            #expect(try journal.commitState(run: "r1") == .neverRequested)
            try journal.store("a")
            try journal.requestCommit(run: "r2", at: 40)
            try journal.requestCommit(run: "r1", at: 40)
            let expected = CommitRequest(
                number: 2, run: .sample(), group: nil, member: 0, members: 0, bound: 1, requestedAt: 40, isWritten: false)
            #expect(try journal.openCommits(limit: 10).map(\.run.id) == ["r2", "r1"])
            #expect(try journal.openCommits(limit: 10).last == expected)
            #expect(try journal.commitState(run: "r1") == .open([expected]))
            #expect(try journal.manifestWritten(expected, at: 50))
            #expect(try journal.commitState(run: "r1") == .committed)
            #expect(try open(journal) == ["r2 - 0 false"])
            let error = try #require(throws: ArtifactError.self) { try journal.requestCommit(run: "none", at: 1) }
            #expect(error.code == .notFound)
        }
    }

    /// Asked for again, a run's commit is open again with what was accepted since; a manifest that was written for the earlier
    /// request does not close it.
    @Test func again() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.requestCommit(run: "r1", at: 40)
            let first = try #require(try journal.openCommits(limit: 10).first)
            // At the end of a run there may be nothing new but its status.
            _ = try journal.endRun("r1", status: .finished, at: 41)
            #expect(try !journal.manifestWritten(first, at: 42))
            let second = try #require(try journal.openCommits(limit: 10).first)
            #expect(second.number > first.number && second.run.status == .finished)
            #expect(try journal.manifestWritten(second, at: 43))
            try journal.requestCommit(run: "r1", at: 44)
            guard case .open(let requests) = try journal.commitState(run: "r1") else {
                Issue.record("the commit is not open")
                return
            }
            #expect(requests.map(\.requestedAt) == [44])
        }
    }

    /// A commit waits for what was accepted before it and is on its way, and is held up by what failed; not by what was
    /// cancelled, deleted, handed over later, handed over elsewhere, or stored by a later version.
    @Test func progress() throws {
        try scratch.withJournal { journal throws in
            for id in ["r1", "r2"] { try journal.start(id) }
            for path in ["a", "b", "c", "d", "e", "f"] { _ = try journal.sequence(of: .sample(path, run: "r1")) }
            _ = try journal.sequence(of: .sample("a", run: "r2"))
            _ = try journal.sequence(of: .sample("plain"))
            try journal.requestCommit(run: "r1", at: 40)
            let request = try #require(try journal.openCommits(limit: 10).first)
            _ = try journal.sequence(of: .sample("late", run: "r1"))
            #expect(try progress(request, journal) == [6, 0])
            #expect(try journal.apply(.began(1, encoding: .identity, at: 20)))
            #expect(try progress(request, journal) == [6, 0])
            try journal.fail(2)
            try journal.fail(3)
            #expect(try journal.apply(.cancelled(4, at: 20)))
            try journal.store(5)
            _ = try journal.markRemoved(run: "r1", path: "f", isRecursive: false)
            #expect(try progress(request, journal) == [1, 2])
            try journal.store("c")
            #expect(try progress(request, journal) == [1, 1])
            _ = try journal.markRemoved(run: "r1", path: "c", isRecursive: false)
            #expect(try journal.apply(.retried(2, at: 60)))
            #expect(try progress(request, journal) == [2, 0])
        }
    }

    /// A manifest names of each path the last version that is stored and not deleted, with the checksum of the source's bytes, by
    /// rising bytes of the path, page by page.
    @Test func manifest() throws {
        try scratch.withJournal { journal throws in
            for id in ["r1", "r2"] { try journal.start(id) }
            for (index, path) in ["b", "\u{FFFF}", "a/b", "a-b", "b", "\u{1F600}", "gone"].enumerated() {
                try journal.store(path, etag: "e\(index)")
            }
            try journal.store("foreign", run: "r2")
            _ = try journal.sequence(of: .sample("b", run: "r1"))
            try journal.fail(try journal.sequence(of: .sample("failed", run: "r1")))
            #expect(try journal.apply(.cancelled(try journal.sequence(of: .sample("a-b", run: "r1")), at: 20)))
            _ = try journal.markRemoved(run: "r1", path: "gone", isRecursive: false)
            try journal.requestCommit(run: "r1", at: 40)
            let request = try #require(try journal.openCommits(limit: 10).first)
            let artifacts = try journal.manifestArtifacts(request, limit: 100)
            #expect(artifacts.map(\.path) == ["a-b", "a/b", "b", "\u{FFFF}", "\u{1F600}"])
            #expect(artifacts.map(\.etag) == ["e3", "e2", "e4", "e1", "e5"])
            let job = try #require(artifacts[2].job)
            #expect(try journal.record(job)?.sequence == 5)
            #expect(
                artifacts[2]
                    == ArtifactRecord(
                        path: "b", uri: "s3://bucket/experiments/fraud/runs/r1/artifacts/b", size: 5, kind: .model,
                        contentType: "application/octet-stream", state: .stored, checksum: "crc32c:R", encoding: .zstd,
                        storedSize: 4, etag: "e4", updatedAt: 30, job: job))
            #expect(try journal.manifestArtifacts(request, limit: 2) == Array(artifacts[..<2]))
            #expect(try journal.manifestArtifacts(request, after: "a/b", limit: 2) == Array(artifacts[2..<4]))
        }
    }

    /// Each member of a group is committed by itself, of its own artifacts; the group stays open until its commit is known to be
    /// there.
    @Test func group() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            for (path, group, member) in [("a", "g", 0), ("b", "g", 1), ("c", "h", 0), ("d", nil, 0)]
                as [(String, String?, UInt32)]
            {
                try journal.store(path, group: group, member: member)
            }
            _ = try journal.sequence(of: .sample("e", run: "r1", group: "g", member: 1))
            for member: UInt32 in [1, 0] {
                try journal.requestCommit(run: "r1", group: "g", member: member, members: 2, at: 40)
            }
            #expect(try open(journal) == ["r1 g 1 false", "r1 g 0 false"])
            let requests = try journal.openCommits(limit: 10)
            #expect(requests.map(\.members) == [2, 2])
            #expect(try progress(requests[0], journal) == [1, 0])
            #expect(try progress(requests[1], journal) == [0, 0])
            #expect(try journal.manifestArtifacts(requests[0], limit: 9).map(\.path) == ["b"])
            #expect(try journal.manifestArtifacts(requests[1], limit: 9).map(\.path) == ["a"])
            #expect(try journal.commitState(run: "r1") == .neverRequested)
            #expect(try journal.commitState(run: "r1", group: "h") == .neverRequested)
            #expect(try journal.commitState(run: "r1", group: "g") == .open(requests.reversed()))
            #expect(try journal.manifestWritten(requests[1], at: 50))
            #expect(try open(journal) == ["r1 g 1 false", "r1 g 0 true"])
            try journal.groupCommitted(run: "r1", group: "g", at: 60)
            // The other member's manifest is still to be written.
            #expect(try open(journal) == ["r1 g 1 false"])
            #expect(try journal.commitState(run: "r1", group: "g") != .committed)
            #expect(try journal.manifestWritten(requests[0], at: 61))
            #expect(try open(journal) == [])
            #expect(try journal.commitState(run: "r1", group: "g") == .committed)
            // A member that comes later opens it again.
            try journal.requestCommit(run: "r1", group: "g", member: 2, members: 2, at: 70)
            #expect(try journal.commitState(run: "r1", group: "g") != .committed)
        }
    }

    /// What is open is read page by page, in the order of the requests.
    @Test func pages() throws {
        try scratch.withJournal { journal throws in
            for id in ["r1", "r2", "r3"] {
                try journal.start(id)
                try journal.requestCommit(run: id, at: 40)
            }
            let first = try journal.openCommits(limit: 2)
            #expect(first.map(\.run.id) == ["r1", "r2"])
            #expect(try journal.openCommits(after: first[1].number, limit: 2).map(\.run.id) == ["r3"])
            #expect(try journal.openCommits(after: 3, limit: 2).isEmpty)
        }
    }

    /// A group has one number of members, and a name.
    @Test func groupConflict() throws {
        try scratch.withJournal { journal throws in
            for id in ["r1", "r2"] { try journal.start(id) }
            try journal.requestCommit(run: "r1", group: "g", member: 0, members: 2, at: 40)
            let error = try #require(throws: ArtifactError.self) {
                try journal.requestCommit(run: "r1", group: "g", member: 1, members: 3, at: 41)
            }
            #expect(error.code == .conflict && error.message.contains("2 members and not 3"))
            try journal.requestCommit(run: "r2", group: "g", member: 1, members: 3, at: 41)
            let nameless = try #require(throws: ArtifactError.self) {
                try journal.requestCommit(run: "r1", group: "", member: 1, members: 3, at: 41)
            }
            #expect(nameless.code == .invalidRequest)
            #expect(try open(journal) == ["r1 g 0 false", "r2 g 1 false"])
        }
    }

    /// A member that is asked for again waits for what was accepted since; once its manifest is written that is a conflict, and
    /// the same request again is not.
    @Test func memberAgain() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            func request() throws { try journal.requestCommit(run: "r1", group: "g", member: 0, members: 1, at: 40) }
            try request()
            _ = try journal.store("a", group: "g")
            try request()
            let open = try #require(try journal.openCommits(limit: 10).first)
            #expect(open.bound == 1)
            #expect(try journal.manifestWritten(open, at: 50))
            try journal.store("b", group: "g", member: 1)
            try request()
            #expect(try journal.openCommits(limit: 10).map(\.isWritten) == [true])
            _ = try journal.sequence(of: .sample("c", run: "r1", group: "g"))
            let error = try #require(throws: ArtifactError.self) { try request() }
            #expect(error.code == .conflict && error.message.contains("another group"))
        }
    }
}
