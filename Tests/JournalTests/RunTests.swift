import ArtifactModel
import GRDB
import Testing

@testable import Journal

@Suite struct RunTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func code(_ body: () throws -> Void) throws -> ArtifactError.Code {
        try #require(throws: ArtifactError.self, performing: body).code
    }

    /// A run starts in an experiment that is made with it, or is here; it is read back as it was started, with its place.
    @Test(arguments: [false, true])
    func start(isProvisional: Bool) throws {
        try scratch.withJournal { journal throws in
            let experiment = Experiment.sample(isProvisional: isProvisional)
            var run = Run.sample(in: experiment)
            #expect(try journal.startRun(run, in: experiment) == run)
            #expect(try journal.run("r1") == run)
            #expect(try journal.experiment(id: experiment.id) == experiment)
            // The place is that of the experiment as it is here.
            var other = experiment
            other.artifactLocation = "s3://elsewhere"
            run = .sample("r2", in: experiment)
            #expect(try journal.startRun(.sample("r2", in: other), in: other) == run)
            #expect(try journal.run("none") == nil)
        }
    }

    /// A start that is sent again is the run as it stands, also when the experiment was archived since; in another experiment or
    /// for another tenant it is refused.
    @Test func startAgain() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            let ended = try journal.endRun("r1", status: .failed, at: 9)
            _ = try journal.updateExperiment("id-of-fraud", description: nil, tags: [], stage: .deleted, at: 9)
            #expect(try journal.startRun(.sample(startedAt: 99), in: .sample()) == ended)
            #expect(try code { try journal.start(in: .sample("other")) } == .conflict)
            #expect(try code { try journal.start(in: .sample(tenant: "other")) } == .tenantMismatch)
            #expect(try journal.experiment(id: "id-of-other") == nil)
        }
    }

    /// An archived experiment takes no new run and says how it would, and neither does another tenant's.
    @Test func startRefused() throws {
        try scratch.withJournal { journal throws in
            #expect(try journal.createExperiment(.sample()))
            _ = try journal.updateExperiment("id-of-fraud", description: nil, tags: [], stage: .deleted, at: 9)
            let archived = try #require(throws: ArtifactError.self) { try journal.start() }
            #expect(archived.code == .conflict && archived.message.contains("restore"))
            #expect(try code { try journal.start(in: .sample(tenant: "other")) } == .tenantMismatch)
            _ = try journal.updateExperiment("id-of-fraud", description: nil, tags: [], stage: .active, at: 10)
            try journal.start()
        }
    }

    /// A listing holds what every part of the query asks for, the latest start first, and counts all of it.
    @Test func listing() throws {
        try scratch.withJournal { journal throws in
            for (id, start) in [("r1", 10), ("r2", 30), ("R3_\u{C4}", 20), ("r4", 20)] as [(String, Int64)] {
                try journal.start(id, startedAt: start)
            }
            try journal.start("elsewhere", in: .sample("other"), startedAt: 40)
            try journal.start("foreign", in: .sample("foreign", tenant: "other"), startedAt: 50)
            _ = try journal.endRun("r2", status: .finished, at: 60)
            func listed(_ query: RunQuery) throws -> [String] {
                let (page, total) = try journal.runs(query)
                return page.map(\.id) + ["\(total)"]
            }
            let tenant = "acme-corp"
            #expect(try listed(RunQuery(tenant: tenant, limit: 10)) == ["elsewhere", "r2", "r4", "R3_\u{C4}", "r1", "5"])
            #expect(try listed(RunQuery(tenant: tenant, limit: 2, offset: 1)) == ["r2", "r4", "5"])
            #expect(try listed(RunQuery(tenant: tenant, experimentID: "id-of-other", limit: 9)) == ["elsewhere", "1"])
            #expect(try listed(RunQuery(tenant: tenant, experimentID: "id-of-foreign", limit: 9)) == ["0"])
            #expect(try listed(RunQuery(tenant: tenant, status: .finished, limit: 9)) == ["r2", "1"])
            #expect(try listed(RunQuery(tenant: tenant, search: "r3_\u{E4}", limit: 9)) == ["R3_\u{C4}", "1"])
            #expect(try listed(RunQuery(tenant: tenant, status: .running, search: "NAME OF r", limit: 1)) == ["r4", "3"])
            #expect(try listed(RunQuery(tenant: tenant, search: "a%e", limit: 9)) == ["0"])
        }
    }

    /// The end is journalled with its time and asks for the manifest; the same end again changes nothing, another is refused.
    @Test func end() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            var expected = Run.sample()
            expected.status = .finished
            expected.endedAt = 90
            #expect(try journal.endRun("r1", status: .finished, at: 90) == expected)
            #expect(try journal.run("r1") == expected)
            let request = try #require(try journal.openCommits(limit: 10).first)
            #expect(request.run == expected && request.group == nil && request.requestedAt == 90)
            #expect(try journal.manifestWritten(request, at: 91))
            #expect(try journal.endRun("r1", status: .finished, at: 95) == expected)
            #expect(try journal.openCommits(limit: 10).isEmpty)
            let other = try #require(throws: ArtifactError.self) { try journal.endRun("r1", status: .failed, at: 96) }
            #expect(other.code == .conflict && other.message.contains("finished"))
            #expect(try code { _ = try journal.endRun("none", status: .failed, at: 96) } == .notFound)
            #expect(try code { _ = try journal.endRun("r1", status: .running, at: 96) } == .invalidRequest)
        }
    }

    /// A run of another node's is taken over with its end, which does not come undone, and is not ours to write.
    @Test func learn() throws {
        try scratch.withJournal { journal throws in
            #expect(try code { _ = try journal.learnRun(.sample()) } == .notFound)
            _ = try journal.learnExperiment(.sample())
            #expect(try journal.learnRun(.sample()) == .sample())
            var ended = Run.sample()
            ended.status = .killed
            ended.endedAt = 50
            #expect(try journal.learnRun(ended) == ended)
            #expect(try journal.learnRun(.sample()) == ended)
            #expect(try journal.run("r1") == ended)
            #expect(try journal.runsToWrite(limit: 10).isEmpty)
            #expect(try code { _ = try journal.learnRun(.sample(in: .sample(tenant: "other"))) } == .tenantMismatch)
            _ = try journal.learnExperiment(.sample("other"))
            #expect(try code { _ = try journal.learnRun(.sample(in: .sample("other"))) } == .conflict)
        }
    }

    /// A run that was ended here is not ended otherwise by what the store still says, until that is written; and a start that
    /// still waits to be written does not undo an end that is in the store.
    @Test func learnBesideOwnWrite() throws {
        try scratch.withJournal { journal throws in
            for id in ["ours", "theirs"] { try journal.start(id) }
            let ours = try journal.endRun("ours", status: .finished, at: 40)
            var killed = Run.sample("ours")
            killed.status = .killed
            killed.endedAt = 50
            #expect(try journal.learnRun(killed) == ours)
            try journal.runWritten(ours, as: ours)
            #expect(try journal.learnRun(killed) == killed)
            killed = .sample("theirs")
            killed.status = .killed
            #expect(try journal.runsToWrite(limit: 10).map(\.id) == ["theirs"])
            #expect(try journal.learnRun(killed) == killed)
            #expect(try journal.runsToWrite(limit: 10).isEmpty)
        }
    }

    /// Where a run was ended on another node, ending it here asks for this daemon's manifest, once for what it has accepted.
    @Test func endAfterOtherNode() throws {
        try scratch.withJournal { journal throws in
            _ = try journal.learnExperiment(.sample())
            _ = try journal.learnRun(.sample())
            try journal.store("a")
            var ended = Run.sample()
            ended.status = .finished
            ended.endedAt = 50
            _ = try journal.learnRun(ended)
            #expect(try journal.endRun("r1", status: .finished, at: 60) == ended)
            let request = try #require(try journal.openCommits(limit: 10).first)
            #expect(request.bound == 1)
            #expect(try journal.manifestWritten(request, at: 61))
            _ = try journal.endRun("r1", status: .finished, at: 70)
            #expect(try journal.openCommits(limit: 10).isEmpty)
        }
    }

    /// While the journal cannot be relied on nothing is promised about experiments and runs either; what is only progress is
    /// still taken down.
    @Test func failedSync() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.requestCommit(run: "r1", at: 40)
            let request = try #require(try journal.openCommits(limit: 10).first)
            #expect(throws: ArtifactError.self) {
                try journal.write { _ in throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC, message: "disk I/O error") }
            }
            let promises: [() throws -> Void] = [
                { _ = try journal.createExperiment(.sample("new")) },
                { _ = try journal.updateExperiment("id-of-fraud", description: "x", tags: [], stage: nil, at: 50) },
                { try journal.start("r2") }, { _ = try journal.endRun("r1", status: .finished, at: 50) },
                { try journal.requestCommit(run: "r1", at: 50) },
                { _ = try journal.markRemoved(run: "r1", path: "", isRecursive: true) },
            ]
            for promise in promises { #expect(try code(promise) == .localStorageFailed) }
            #expect(try journal.run("r1")?.status == .running)
            #expect(try journal.manifestWritten(request, at: 50))
        }
    }
}
