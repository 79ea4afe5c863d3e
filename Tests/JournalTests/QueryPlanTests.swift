import ArtifactModel
import GRDB
import Synchronization
import Testing

@testable import Journal

@Suite struct QueryPlanTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Nothing that is asked about a run looks at every job, run or request, nor at the pending jobs of all runs; the listings
    /// sort nothing that can be read in order, and what a commit waits for is counted in the index.
    @Test func noScans() throws {
        try scratch.withJournal { journal throws in
            try journal.start()
            try journal.store("a", group: "g")
            let statements = Mutex<[String]>([])
            journal.database.inDatabase { db in
                db.trace { event in statements.withLock { $0.append(event.expandedDescription) } }
            }
            try journal.start("r2")
            _ = try journal.sequence(of: .sample("a", run: "r2", key: [1]))
            try journal.requestCommit(run: "r1", at: 40)
            try journal.requestCommit(run: "r1", group: "g", member: 0, members: 2, at: 40)
            for request in try journal.openCommits(limit: 10) {
                _ = try journal.commitProgress(request)
                _ = try journal.manifestArtifacts(request, after: "A", limit: 10)
                try journal.manifestWritten(request, at: 50)
            }
            try journal.groupCommitted(run: "r1", group: "g", at: 50)
            try journal.requestCommit(run: "r1", group: "g", member: 0, members: 2, at: 51)
            _ = try journal.commitState(run: "r1", group: "g")
            _ = try journal.artifacts(ArtifactQuery(run: "r1", path: "a", kind: .model, after: "A", limit: 10))
            _ = try journal.markRemoved(run: "r1", path: "a", isRecursive: true)
            _ = try journal.endRun("r1", status: .finished, at: 60)
            _ = try journal.endRun("r1", status: .finished, at: 60)
            _ = try journal.runs(RunQuery(tenant: "acme-corp", limit: 10))
            _ = try journal.runs(RunQuery(tenant: "acme-corp", experimentID: "id-of-fraud", limit: 10))
            _ = try journal.experiments(ExperimentQuery(tenant: "acme-corp", limit: 10))
            for run in try journal.runsToWrite(limit: 10) { try journal.runWritten(run, as: run) }
            _ = try journal.statesToWrite(limit: 10)
            _ = try journal.experimentsToConfirm(limit: 10)
            try journal.start("r3", in: .sample("other", isProvisional: true))
            _ = try journal.confirm("id-of-other", location: "s3://elsewhere")
            _ = try journal.pending(limit: 10)
            try journal.purge(finishedBefore: 1_000, keepAtMost: 0)
            let plans = try journal.database.inDatabase { db in
                db.trace(nil)
                let asked = statements.withLock { $0 }.filter { $0.contains("run") || $0.contains("experiments") }
                return try Set(asked).map { statement in
                    let rows = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(statement)")
                    return (statement, rows.map { row -> String in row["detail"] })
                }
            }
            #expect(plans.count > 30)
            for (statement, steps) in plans {
                for step in steps {
                    let isScan = step.hasPrefix("SCAN") && step.contains(/\b(jobs|later|runs|commits|experiments)\b/)
                    // A walk through all pending jobs is what recovery asks for, and a partial index holds only what is sought.
                    let isMeant = step.contains("_open") || step.contains("_to_") || step.contains("jobs_done")
                    #expect(!isScan || isMeant, "\(step): \(statement)")
                    #expect(!step.contains("jobs_by_state"), "\(step): \(statement)")
                }
                if statement.contains("SELECT COUNT(*) FROM jobs"), statement.contains("state IN") {
                    #expect(steps.first?.contains("COVERING INDEX jobs_by_run") == true, "\(steps): \(statement)")
                }
                if statement.contains("GROUP BY artifact_path"), statement.contains("jobs_by_path") {
                    #expect(!steps.contains { $0.contains("TEMP B-TREE") }, "\(statement)")
                }
            }
        }
    }
}
