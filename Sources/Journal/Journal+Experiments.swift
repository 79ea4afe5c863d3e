public import ArtifactModel
import GRDB

extension Journal {
    /// Adds an experiment, with nothing to be written into the store but what confirming it writes.
    /// - Returns: false when one with that id is there; then nothing is changed.
    public func createExperiment(_ experiment: Experiment) throws(ArtifactError) -> Bool {
        try write(isPromise: true) { db in
            guard try Experiment.find(experiment.id, in: db) == nil else { return false }
            try experiment.insert(into: db)
            return true
        }
    }

    /// Takes over what the store says of an experiment, and returns it as it stands then.
    ///
    /// A new one is confirmed, with nothing to be written. Of one that is there, description, tags and stage are replaced, unless
    /// a change that was made here still waits to be written: that one comes last. Its place stays, and whether it is confirmed:
    /// see `confirmExperiment`.
    public func learnExperiment(_ experiment: Experiment) throws(ArtifactError) -> Experiment {
        try write { db in
            guard var known = try Experiment.find(experiment.id, in: db) else {
                var learnt = experiment
                learnt.isProvisional = false
                try learnt.insert(into: db)
                return learnt
            }
            let waits = try db.firstRow("SELECT 1 FROM experiments WHERE id = ? AND is_to_write", [known.id]) != nil
            guard !waits else { return known }
            known.description = experiment.description
            known.tags = experiment.tags
            known.stage = experiment.stage
            known.updatedAt = experiment.updatedAt
            try known.updateState(in: db, isToWrite: false)
            return known
        }
    }

    /// The experiment of that id; nil when there is none here.
    public func experiment(id: String) throws(ArtifactError) -> Experiment? {
        try read { db in try Experiment.find(id, in: db) }
    }

    /// A tenant's experiment of exactly that name, by bytes; nil when there is none here.
    public func experiment(tenant: String, name: String) throws(ArtifactError) -> Experiment? {
        let sql = "SELECT \(Experiment.columns) FROM experiments WHERE tenant = ? AND name = ?"
        return try read { db in try db.firstRow(sql, [tenant, name]).map(Experiment.init) }
    }

    /// The experiments that the query asks for, by rising bytes of their names.
    /// - Returns: the page, and how many there are without limit and offset.
    public func experiments(_ query: ExperimentQuery) throws(ArtifactError) -> (page: [Experiment], total: Int) {
        var filter = Filter("tenant = ?", [query.tenant])
        if let stage = query.stage { filter.add("stage = ?", [stage.rawValue]) }
        if let search = query.search { filter.add("\(Filter.contains("name"))", [search.lowercased()]) }
        return try page(
            filter, columns: Experiment.columns, source: "experiments", order: "name", limit: query.limit, offset: query.offset,
            Experiment.init)
    }

    /// Changes an experiment, and marks its state as to be written into the store.
    /// - Parameters:
    ///   - description: nil leaves it.
    ///   - tags: are set; without a value they are removed. Others stay.
    ///   - stage: nil leaves it.
    ///   - at: Unix time in milliseconds. The experiment's `updatedAt` rises with every change, if need be beyond it.
    /// - Returns: how it stands then; nil when there is no such experiment.
    /// - Throws: `invalidRequest` when it would have more than 100 tags.
    public func updateExperiment(
        _ id: String, description: String?, tags: [(key: String, value: String?)], stage: LifecycleStage?, at: Int64
    ) throws(ArtifactError) -> Experiment? {
        try write(isPromise: true) { db in
            guard var experiment = try Experiment.find(id, in: db) else { return nil }
            if let description { experiment.description = description }
            for tag in tags { experiment.tags[tag.key] = tag.value }
            guard experiment.tags.count <= Self.maximumTags else {
                throw ArtifactError(
                    .invalidRequest,
                    "experiment '\(experiment.name.escapedForLog)' would have \(experiment.tags.count) tags and may have "
                        + "\(Self.maximumTags); remove some")
            }
            if let stage { experiment.stage = stage }
            experiment.updatedAt = max(at, experiment.updatedAt + 1)
            try experiment.updateState(in: db, isToWrite: true)
            return experiment
        }
    }

    /// As the protocol says.
    private static let maximumTags = 100
}
