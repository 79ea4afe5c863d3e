public import ArtifactModel
import GRDB

extension Journal {
    /// Starts a run, and makes its experiment where there is none. The run is marked as to be written into the store.
    /// - Returns: the run with its place; where its id was used before for this experiment, that run as it stands.
    /// - Throws: `conflict` where the experiment is archived, or the id belongs to another experiment's run; `tenantMismatch`
    ///   where either belongs to another tenant than `run.tenant`.
    public func startRun(_ run: Run, in experiment: Experiment) throws(ArtifactError) -> Run {
        try write(isPromise: true) { db in
            if let earlier = try Run.find(run.id, in: db) {
                try earlier.expect(tenant: run.tenant, experimentID: experiment.id)
                return earlier
            }
            let known = try Experiment.find(experiment.id, in: db)
            let experiment = known ?? experiment
            guard experiment.tenant == run.tenant else {
                throw ArtifactError.foreignExperiment(experiment.id, tenant: run.tenant)
            }
            guard experiment.stage == .active else {
                throw ArtifactError(
                    .conflict,
                    "experiment '\(experiment.name.escapedForLog)' is archived and takes no new runs; restore it, or use another")
            }
            if known == nil { try experiment.insert(into: db) }
            return try run.insert(into: db, of: experiment, isToWrite: true)
        }
    }

    /// Takes over what the store says of a run, and returns it as it stands then. It is not marked as to be written.
    ///
    /// Of a run that is there, the end is taken over, unless one that was made here still waits to be written. A run that has
    /// ended does not run again.
    /// - Throws: `notFound` where its experiment is not here; `tenantMismatch` and `conflict` where it is another's run here.
    public func learnRun(_ run: Run) throws(ArtifactError) -> Run {
        try write { db in
            guard let experiment = try Experiment.find(run.experimentID, in: db) else {
                throw ArtifactError.noExperiment(run.experimentID)
            }
            guard experiment.tenant == run.tenant else {
                throw ArtifactError.foreignExperiment(experiment.id, tenant: run.tenant)
            }
            guard var known = try Run.find(run.id, in: db) else {
                return try run.insert(into: db, of: experiment, isToWrite: false)
            }
            try known.expect(tenant: run.tenant, experimentID: experiment.id)
            let waits = try db.firstRow("SELECT 1 FROM runs WHERE id = ? AND is_to_write", [run.id]) != nil
            guard run.status != .running, known.status == .running || !waits else { return known }
            known.status = run.status
            known.endedAt = run.endedAt
            try known.updateStatus(in: db, isToWrite: false)
            return known
        }
    }

    /// The run of that id; nil when there is none here.
    public func run(_ id: String) throws(ArtifactError) -> Run? {
        try read { db in try Run.find(id, in: db) }
    }

    /// The runs that the query asks for, the latest start first.
    /// - Returns: the page, and how many there are without limit and offset.
    public func runs(_ query: RunQuery) throws(ArtifactError) -> (page: [Run], total: Int) {
        var filter = Filter("runs.tenant = ?", [query.tenant])
        if let id = query.experimentID { filter.add("runs.experiment_id = ?", [id]) }
        if let status = query.status { filter.add("runs.status = ?", [status.rawValue]) }
        if let search = query.search?.lowercased() {
            filter.add("(\(Filter.contains("runs.name")) OR \(Filter.contains("runs.id")))", [search, search])
        }
        return try page(
            filter, columns: Run.columns, source: Run.source, order: "runs.started_at DESC, runs.id DESC", limit: query.limit,
            offset: query.offset, Run.init)
    }

    /// Ends a run: it takes no more artifacts, its manifest is asked for, and it is marked as to be written into the store.
    ///
    /// Where it has ended with that status already, nothing changes but that a manifest is asked for if this daemon has accepted
    /// artifacts that none was asked for yet: the run may have been ended on another node.
    /// - Parameter at: Unix time in milliseconds.
    /// - Returns: how it stands then.
    /// - Throws: `notFound`; `conflict` where it has ended with another status; `invalidRequest` for `running`.
    public func endRun(_ id: String, status: RunStatus, at: Int64) throws(ArtifactError) -> Run {
        guard status != .running else {
            throw ArtifactError(.invalidRequest, "a run ends as finished, failed or killed, not as running")
        }
        return try write(isPromise: true) { db in
            guard var run = try Run.find(id, in: db) else { throw ArtifactError.noRun(id) }
            guard run.status == .running else {
                guard run.status == status else {
                    throw ArtifactError(.conflict, "run '\(id.escapedForLog)' has ended already, as \(run.status)")
                }
                if try !Self.isCommitRequestedForAll(of: id, in: db) { try Self.request(run, at: at, in: db) }
                return run
            }
            run.status = status
            run.endedAt = at
            try run.updateStatus(in: db, isToWrite: true)
            try Self.request(run, at: at, in: db)
            return run
        }
    }
}

extension Run {
    /// Throws where the run is not this tenant's, or another experiment's.
    fileprivate func expect(tenant: String, experimentID: String) throws(ArtifactError) {
        guard self.tenant == tenant else { throw .foreignRun(id, tenant: tenant) }
        guard self.experimentID == experimentID else {
            throw ArtifactError(
                .conflict,
                "run '\(id.escapedForLog)' belongs to experiment '\(self.experimentID.escapedForLog)'; use another run id")
        }
    }
}
