import ArtifactModel
import Testing

@testable import Journal

@Suite struct ArtifactListingTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Of each path the latest version is listed in whatever state, but for cancelled ones: there the one before shows again.
    @Test func latestVersion() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            for path in ["stored", "then-pending", "then-cancelled", "then-failed"] { try journal.store(path) }
            _ = try journal.sequence(of: .sample("then-pending", run: "r1"))
            #expect(try journal.apply(.cancelled(try journal.sequence(of: .sample("then-cancelled", run: "r1")), at: 20)))
            try journal.fail(try journal.sequence(of: .sample("then-failed", run: "r1")))
            #expect(try journal.apply(.cancelled(try journal.sequence(of: .sample("only-cancelled", run: "r1")), at: 20)))
            _ = try journal.sequence(of: .sample("plain"))
            let all = ArtifactQuery(run: "r1", limit: 10)
            #expect(try journal.listed(all) == ["stored 1", "then-cancelled 3", "then-failed 7", "then-pending 5"])
            let artifacts = try journal.artifacts(all)
            #expect(artifacts.map(\.state) == [.stored, .stored, .failed, .accepted])
            #expect(artifacts[2].error == ArtifactError(.sourceLost, "gone"))
            #expect(artifacts[3].checksum == nil && artifacts[3].storedSize == nil && artifacts[3].encoding == nil)
            #expect(try journal.artifacts(ArtifactQuery(run: "none", limit: 10)).isEmpty)
        }
    }

    /// A path filter takes the artifact at that path and those below it, and no other that begins alike; pages go on by it.
    @Test func paths() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            for path in ["a", "a-b", "a/b", "a/b/c", "a0", "a%", "b", "a/\u{10FFFF}"] { try journal.store(path) }
            func listed(_ path: String?, after: String? = nil, limit: Int = 10) throws -> [String] {
                try journal.artifacts(ArtifactQuery(run: "r1", path: path, after: after, limit: limit)).map(\.path)
            }
            #expect(try listed("a") == ["a", "a/b", "a/b/c", "a/\u{10FFFF}"])
            #expect(try listed("a", after: "a", limit: 2) == ["a/b", "a/b/c"])
            #expect(try listed("a", after: "a/b/c") == ["a/\u{10FFFF}"])
            #expect(try listed("a/b") == ["a/b", "a/b/c"])
            #expect(try listed("a%") == ["a%"])
            #expect(try listed("none") == [])
            #expect(try listed(nil, after: "a/b/c") == ["a/\u{10FFFF}", "a0", "b"])
            #expect(try listed(nil, limit: 2) == ["a", "a%"])
        }
    }

    /// The kind is that of the latest version.
    @Test func kinds() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            func hand(_ path: String, _ kind: ArtifactKind) throws {
                var job = NewJob.sample(path, run: "r1")
                job.kind = kind
                _ = try journal.sequence(of: job)
            }
            try hand("a", .plot)
            try hand("a", .model)
            try hand("b", .plot)
            try hand("c", .plot)
            #expect(try journal.listed(ArtifactQuery(run: "r1", kind: .plot, limit: 10)) == ["b 3", "c 4"])
            #expect(try journal.listed(ArtifactQuery(run: "r1", kind: .model, limit: 10)) == ["a 2"])
            #expect(try journal.listed(ArtifactQuery(run: "r1", kind: .plot, after: "b", limit: 1)) == ["c 4"])
        }
    }

    /// A deletion takes every version of an artifact out of the listing, names the paths, and the jobs that are to be cancelled;
    /// one that is stored all the same is not listed, and a new hand-over is.
    @Test func removed() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.start("r2")
            let jobs: [NewJob] = ["a", "a", "a", "a-b", "a/b"].map { .sample($0, run: "r1") }
            for job in jobs { _ = try journal.sequence(of: job) }
            try journal.store("a", run: "r2")
            try journal.store(1)
            try journal.fail(2)
            #expect(
                try journal.markRemoved(run: "r1", path: "a", isRecursive: false)
                    == RemovedArtifacts(paths: ["a"], jobs: [jobs[1].id, jobs[2].id]))
            #expect(try journal.listed(ArtifactQuery(run: "r1", limit: 10)) == ["a-b 4", "a/b 5"])
            #expect(
                try journal.markRemoved(run: "r1", path: "a", isRecursive: false) == RemovedArtifacts(paths: [], jobs: []))
            try journal.store(3)
            #expect(try journal.listed(ArtifactQuery(run: "r1", path: "a", limit: 10)) == ["a/b 5"])
            _ = try journal.sequence(of: .sample("a", run: "r1"))
            #expect(try journal.listed(ArtifactQuery(run: "r1", path: "a", limit: 10)) == ["a 7", "a/b 5"])
            #expect(try journal.listed(ArtifactQuery(run: "r2", limit: 10)) == ["a 6"])
        }
    }

    /// A prefix is deleted by whole components; the empty one is all of the run.
    @Test func removedBelow() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            for path in ["a", "a-b", "a/b", "a/c/d", "b"] { try journal.store(path) }
            #expect(try journal.markRemoved(run: "r1", path: "a", isRecursive: true).paths == ["a", "a/b", "a/c/d"])
            #expect(try journal.listed(ArtifactQuery(run: "r1", limit: 10)) == ["a-b 2", "b 5"])
            #expect(try journal.markRemoved(run: "r1", path: "", isRecursive: true).paths == ["a-b", "b"])
            #expect(try journal.listed(ArtifactQuery(run: "r1", limit: 10)) == [])
        }
    }
}
