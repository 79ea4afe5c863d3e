import ArtifactClient
import ArtifactModel
import ArtifactWire
import HTTPTypes
import Hummingbird
import NIOCore

/// Experiments, runs, and the listing of artifacts: each one question to the daemon.
struct RegistryRoutes: Sendable {
    let daemon: DaemonPool

    func createExperiment(_ body: ByteBuffer, for tenant: String?) async throws -> Response {
        let request = try NewExperiment(json: body).message
        guard case .experimentCreated(let experiment) = try await daemon.order(.createExperiment(request), for: tenant) else {
            throw ClientError.confused
        }
        return Reply.json(
            JSON(experiment), status: .created, headers: [.location: "/api/v1/experiments/\(PercentCoding.encode(experiment.id))"]
        )
    }

    func listExperiments(_ query: String?, for tenant: String?) async throws -> Response {
        let query = try Query(query, allowing: ["limit", "offset", "search", "lifecycle_stage"])
        var (limit, offset) = (try query.limit(else: 100), try query.offset())
        let (wanted, first) = (limit, offset)
        var found: [Experiment] = []
        var total: UInt64 = 0
        // An answer of the daemon may hold fewer than there are: what fits into a frame.
        repeat {
            let request = ListExperiments(
                search: query.text("search"), stage: try query.choice("lifecycle_stage", LifecycleStage.self), limit: limit,
                offset: offset)
            guard case .experiments(let page) = try await daemon.ask(.listExperiments(request), for: tenant) else {
                throw ClientError.confused
            }
            found += page.experiments
            total = page.total
            if page.experiments.isEmpty { break }
            offset += UInt64(page.experiments.count)
            limit -= min(limit, UInt32(page.experiments.count))
        } while limit > 0 && offset < total
        return Reply.json([
            "experiments": .array(found.map { JSON($0) }), "total": .integer(total), "limit": .integer(Int64(wanted)),
            "offset": .integer(first),
        ])
    }

    func experiment(_ id: String, for tenant: String?) async throws -> Response {
        guard case .experiment(let experiment) = try await daemon.ask(.getExperiment(GetExperiment(.id(id))), for: tenant) else {
            throw ClientError.confused
        }
        return Reply.json(JSON(experiment))
    }

    func changeExperiment(_ id: String, _ body: ByteBuffer, for tenant: String?) async throws -> Response {
        let changes = try ExperimentChanges(json: body)
        if let name = changes.name {
            guard case .experiment(let experiment) = try await daemon.ask(.getExperiment(GetExperiment(.id(id))), for: tenant)
            else {
                throw ClientError.confused
            }
            guard name == experiment.name else {
                throw APIError(.conflict, "the name of an experiment never changes; create another experiment instead")
            }
        }
        return try await update(
            UpdateExperiment(id: id, description: changes.description, tags: changes.tags), for: tenant)
    }

    func archiveExperiment(_ id: String, for tenant: String?) async throws -> Response {
        try await update(UpdateExperiment(id: id, stage: .deleted), for: tenant)
    }

    func restoreExperiment(_ id: String, for tenant: String?) async throws -> Response {
        try await update(UpdateExperiment(id: id, stage: .active), for: tenant)
    }

    private func update(_ request: UpdateExperiment, for tenant: String?) async throws -> Response {
        guard case .experimentUpdated(let experiment) = try await daemon.ask(.updateExperiment(request), for: tenant) else {
            throw ClientError.confused
        }
        return Reply.json(JSON(experiment))
    }

    func startRun(_ body: ByteBuffer, for tenant: String?) async throws -> Response {
        let request = try NewRun(json: body).message
        guard case .runStarted(let run) = try await daemon.order(.startRun(request), for: tenant) else {
            throw ClientError.confused
        }
        return Reply.json(
            JSON(run), status: .created, headers: [.location: "/api/v1/experiments/runs/\(PercentCoding.encode(run.id))"])
    }

    func listRuns(_ query: String?, for tenant: String?) async throws -> Response {
        let query = try Query(query, allowing: ["experiment_id", "status", "search", "limit", "offset"])
        var (limit, offset) = (try query.limit(else: 100), try query.offset())
        let (wanted, first) = (limit, offset)
        var found: [Run] = []
        var total: UInt64 = 0
        repeat {
            let request = ListRuns(
                experimentID: query.text("experiment_id"), status: try query.choice("status", RunStatus.self),
                search: query.text("search"), limit: limit, offset: offset)
            guard case .runs(let page) = try await daemon.ask(.listRuns(request), for: tenant) else { throw ClientError.confused }
            found += page.runs
            total = page.total
            if page.runs.isEmpty { break }
            offset += UInt64(page.runs.count)
            limit -= min(limit, UInt32(page.runs.count))
        } while limit > 0 && offset < total
        return Reply.json([
            "runs": .array(found.map { JSON($0) }), "total": .integer(total), "limit": .integer(Int64(wanted)),
            "offset": .integer(first),
        ])
    }

    func run(_ id: String, for tenant: String?) async throws -> Response {
        Reply.json(JSON(try await Self.run(id, daemon, for: tenant)))
    }

    /// A run, wherever it began.
    static func run(_ id: String, _ daemon: DaemonPool, for tenant: String?) async throws -> Run {
        guard case .run(let run) = try await daemon.ask(.getRun(GetRun(runID: id)), for: tenant) else {
            throw ClientError.confused
        }
        return run
    }

    func endRun(_ id: String, _ body: ByteBuffer, for tenant: String?) async throws -> Response {
        let status = try RunEnd(json: body).status
        _ = try await Self.run(id, daemon, for: tenant)
        guard case .runEnded(let run) = try await daemon.ask(.endRun(EndRun(runID: id, status: status)), for: tenant) else {
            throw ClientError.confused
        }
        return Reply.json(JSON(run))
    }

    func artifacts(_ run: String, _ query: String?, for tenant: String?) async throws -> Response {
        let query = try Query(query, allowing: ["path", "kind", "after", "limit"])
        _ = try await Self.run(run, daemon, for: tenant)
        var path = query.text("path")
        while let text = path, text.hasSuffix("/") { path = text.count == 1 ? nil : String(text.dropLast()) }
        let request = ListArtifacts(
            runID: run, path: path, kind: try query.choice("kind", ArtifactKind.self), after: query.text("after"),
            limit: try query.limit(else: RegistryLimits.page))
        guard case .artifacts(let page) = try await daemon.ask(.listArtifacts(request), for: tenant) else {
            throw ClientError.confused
        }
        return Reply.json([
            "run_id": .string(run), "artifacts": .array(page.artifacts.map { JSON($0) }),
            "next": page.next.map { .string($0) } ?? .null,
            "incomplete": page.incomplete.map { ["code": .string($0.code.description), "message": .string($0.message)] } ?? .null,
        ])
    }
}
