import ArtifactModel
import GRDB
import Testing
import WorkerPool

@testable import Journal

@Suite struct RegistryTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private let elsewhere = "s3://elsewhere/x"

    /// Confirming in another place moves the jobs of that experiment that are not final, failed ones too, and no others; it tells
    /// all that are pending.
    @Test func confirmElsewhere() throws {
        try scratch.withJournal { journal throws in
            let experiment = Experiment.sample(isProvisional: true)
            try journal.start(in: experiment)
            try journal.start("r2", in: experiment)
            try journal.start("other", in: .sample("other", isProvisional: true))
            let jobs: [NewJob] = [
                .sample("a/b", run: "r1"), .sample("plain"), .sample("failed", run: "r2"), .sample("cancelled", run: "r1"),
                .sample("a", run: "r2"), .sample("a", run: "other"),
            ]
            for job in jobs { _ = try journal.sequence(of: job) }
            try journal.fail(3)
            #expect(try journal.apply(.cancelled(4, at: 20)))
            #expect(try journal.experimentsToConfirm(limit: 10).map(\.id) == ["id-of-fraud", "id-of-other"])
            let resolved = try journal.confirm(experiment.id, location: elsewhere, createdAt: 2)
            #expect(
                resolved == [
                    ResolvedJob(sequence: 1, destination: "\(elsewhere)/runs/r1/artifacts/a/b"),
                    ResolvedJob(sequence: 5, destination: "\(elsewhere)/runs/r2/artifacts/a"),
                ])
            let destinations = try jobs.map { try #require(try journal.record($0.id)).destination }
            #expect(destinations[0] == resolved[0].destination && destinations[4] == resolved[1].destination)
            #expect(destinations[1] == jobs[1].destination)
            #expect(destinations[2] == "\(elsewhere)/runs/r2/artifacts/failed")
            #expect(destinations[5] == "s3://bucket/experiments/other/runs/other/artifacts/a")
            #expect(try journal.pending(limit: 10).map(\.isProvisional) == [false, false, false, true])
            var expected = experiment
            expected.artifactLocation = elsewhere
            expected.createdAt = 2
            expected.isProvisional = false
            #expect(try journal.experiment(id: experiment.id) == expected)
            let run = try #require(try journal.run("r1"))
            #expect(run.artifactURI == "\(elsewhere)/runs/r1/artifacts" && !run.isProvisional)
            #expect(try journal.experimentsToConfirm(limit: 10).map(\.id) == ["id-of-other"])
        }
    }

    /// Confirmed in its own place nothing moves, and confirmed again it stays where it is; the jobs are told each time.
    @Test func confirmAgain() throws {
        try scratch.withJournal { journal throws in
            let experiment = Experiment.sample(isProvisional: true)
            try journal.start(in: experiment)
            _ = try journal.sequence(of: .sample("a", run: "r1"))
            let expected = [ResolvedJob(sequence: 1, destination: "\(experiment.artifactLocation)/runs/r1/artifacts/a")]
            #expect(try journal.confirm(experiment.id, location: experiment.artifactLocation) == expected)
            #expect(try journal.confirm(experiment.id, location: elsewhere) == expected)
            #expect(try journal.experiment(id: experiment.id)?.artifactLocation == experiment.artifactLocation)
            let error = try #require(throws: ArtifactError.self) { try journal.confirm("none", location: elsewhere) }
            #expect(error.code == .notFound)
        }
    }

    /// Of jobs that arrive while an experiment is confirmed none is missed: each is told as provisional and is then among the
    /// resolved ones, or is accepted in the confirmed place. The answers come in that order, after the commit.
    @Test func confirmAmongHandOvers() throws {
        try scratch.withJournal { journal throws in
            let experiment = Experiment.sample(isProvisional: true)
            try journal.start(in: experiment)
            let path = "\(scratch.path)/journal.sqlite"
            let events = Monitor<[String]>([])
            @Sendable func add(_ event: String) {
                events.withLock { $0.append(event) }
                events.signal()
            }
            for index in 1...40 {
                journal.accept(.sample("\(index)", run: "r1")) { result in
                    guard case .success(.accepted(let sequence, let destination, let isProvisional)) = result else { return }
                    let place = destination.hasPrefix("s3://elsewhere/x/runs/r1/") ? "confirmed" : "provisional"
                    add("\(sequence) \(place) \(isProvisional)")
                }
                guard index == 20 else { continue }
                journal.confirmExperiment(experiment.id, location: elsewhere, createdAt: 1) { result in
                    let committed = Result {
                        try DatabaseQueue(path: path).inDatabase { db in
                            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM jobs WHERE destination LIKE 's3://elsewhere/%'")
                        }
                    }
                    if case .success(let jobs) = result, case .success(let count?) = committed {
                        add("resolved \(jobs.map(\.sequence) == Array(1...20)) \(count >= 20)")
                    }
                }
            }
            let expected =
                (1...20).map { "\($0) provisional true" } + ["resolved true true"] + (21...40).map { "\($0) confirmed false" }
            #expect(events.wait { $0.count == 41 ? $0 : nil } == expected)
        }
    }

    /// A changed state is to be written once the experiment is confirmed, until it is written as it stands then.
    @Test func states() throws {
        try scratch.withJournal { journal throws in
            #expect(try journal.createExperiment(.sample(isProvisional: true)))
            _ = try journal.updateExperiment("id-of-fraud", description: "1", tags: [], stage: nil, at: 50)
            #expect(try journal.statesToWrite(limit: 10).isEmpty)
            _ = try journal.confirm("id-of-fraud", location: elsewhere)
            let first = try #require(try journal.statesToWrite(limit: 10).first)
            #expect(first.description == "1" && first.artifactLocation == elsewhere)
            _ = try journal.updateExperiment("id-of-fraud", description: "2", tags: [], stage: nil, at: 50)
            try journal.stateWritten(first)
            let second = try #require(try journal.statesToWrite(limit: 10).first)
            #expect(second.description == "2")
            try journal.stateWritten(second)
            #expect(try journal.statesToWrite(limit: 10).isEmpty)
        }
    }

    /// What is to be done is read page by page: each entry once, also those that were made at the same moment.
    @Test func pages() throws {
        try scratch.withJournal { journal throws in
            let names = ["a", "b", "c", "d", "e"]
            for name in names { #expect(try journal.createExperiment(.sample(name, isProvisional: true))) }
            func pages<Entry>(_ read: (Entry?) throws -> [Entry], _ id: (Entry) -> String) throws -> [String] {
                var found: [String] = []
                var last: Entry?
                repeat {
                    let page = try read(last)
                    found += page.map(id)
                    last = page.last
                } while last != nil
                return found
            }
            let ids = names.map { "id-of-\($0)" }
            #expect(try pages({ try journal.experimentsToConfirm(after: $0, limit: 2) }, \.id) == ids)
            for id in ids {
                _ = try journal.confirm(id, location: elsewhere)
                _ = try journal.updateExperiment(id, description: "new", tags: [], stage: nil, at: 50)
                try journal.start("run-\(id)", in: .sample(String(id.dropFirst("id-of-".count))))
            }
            #expect(try pages({ try journal.statesToWrite(after: $0, limit: 2) }, \.id) == ids)
            #expect(try pages({ try journal.runsToWrite(after: $0, limit: 2) }, \.id) == ids.map { "run-\($0)" })
        }
    }

    /// How a run ended in the store is how it ended here, once that is taken down; but not where it has ended here since.
    @Test func theStoresEndHolds() throws {
        try scratch.withJournal { journal throws in
            for id in ["r1", "r2"] { try journal.start(id) }
            let running = try #require(try journal.run("r2"))
            let ours = try ["r1", "r2"].map { try journal.endRun($0, status: .finished, at: 40) }
            let theirs = ours.map { run in
                var theirs = run
                theirs.status = .killed
                theirs.endedAt = 30
                return theirs
            }
            try journal.runWritten(ours[0], as: theirs[0])
            try journal.runWritten(running, as: theirs[1])
            #expect(try journal.run("r1") == theirs[0])
            #expect(try journal.run("r2") == ours[1])
            #expect(try journal.runsToWrite(limit: 9) == [ours[1]])
        }
    }

    /// A run is to be written at its start and at its end, once its experiment is confirmed.
    @Test func runs() throws {
        try scratch.withJournal { journal throws in
            let experiment = Experiment.sample(isProvisional: true)
            for (id, start) in [("r1", 9), ("r2", 8)] as [(String, Int64)] {
                try journal.start(id, in: experiment, startedAt: start)
            }
            #expect(try journal.runsToWrite(limit: 10).isEmpty)
            _ = try journal.confirm(experiment.id, location: elsewhere)
            let runs = try journal.runsToWrite(limit: 10)
            #expect(runs.map(\.artifactURI) == ["\(elsewhere)/runs/r2/artifacts", "\(elsewhere)/runs/r1/artifacts"])
            #expect(try journal.runsToWrite(limit: 1) == [runs[0]])
            let ended = try journal.endRun("r2", status: .failed, at: 40)
            for run in runs { try journal.runWritten(run, as: run) }
            #expect(try journal.runsToWrite(limit: 10) == [ended])
            try journal.runWritten(ended, as: ended)
            #expect(try journal.runsToWrite(limit: 10).isEmpty)
        }
    }

    /// All that was answered of experiments, runs and commits is there after the journal was closed and opened again.
    @Test func reopen() throws {
        let before = try scratch.withJournal { journal throws in
            try journal.start()
            try journal.start("r2", in: .sample("other", isProvisional: true))
            _ = try journal.updateExperiment("id-of-fraud", description: "1", tags: [], stage: .deleted, at: 50)
            for path in ["a", "b", "c"] { try journal.store(path, group: "g") }
            _ = try journal.sequence(of: .sample("d", run: "r2"))
            _ = try journal.markRemoved(run: "r1", path: "b", isRecursive: false)
            try journal.requestCommit(run: "r1", group: "g", member: 0, members: 2, at: 40)
            _ = try journal.endRun("r1", status: .finished, at: 41)
            return try Snapshot(journal)
        }
        #expect(before.experiments.map(\.count) == [2, 1, 1] && before.runs.map(\.count) == [2, 1])
        #expect(before.commits.count == 2 && before.pending.count == 1 && before.artifacts.count == 2)
        try scratch.withJournal { journal throws in #expect(try Snapshot(journal) == before) }
    }

    private struct Snapshot: Equatable {
        let experiments: [[Experiment]]
        let runs: [[Run]]
        let commits: [CommitRequest]
        let state: CommitState
        let pending: [PendingJob]
        let artifacts: [ArtifactRecord]

        init(_ journal: Journal) throws {
            experiments = [
                try journal.experiments(ExperimentQuery(tenant: "acme-corp", limit: 10)).page,
                try journal.experimentsToConfirm(limit: 10), try journal.statesToWrite(limit: 10),
            ]
            runs = [try journal.runs(RunQuery(tenant: "acme-corp", limit: 10)).page, try journal.runsToWrite(limit: 10)]
            commits = try journal.openCommits(limit: 10)
            state = try journal.commitState(run: "r1", group: "g")
            pending = try journal.pending(limit: 10)
            artifacts = try journal.artifacts(ArtifactQuery(run: "r1", limit: 10))
        }
    }
}
