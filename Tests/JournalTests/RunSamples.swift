import ArtifactModel
import WorkerPool

@testable import Journal

extension Experiment {
    /// An experiment with every field set, for the tests to vary.
    static func sample(_ name: String = "fraud", tenant: String = "acme-corp", isProvisional: Bool = false) -> Experiment {
        Experiment(
            id: "id-of-\(name)", tenant: tenant, name: name, description: "what it is about", tags: ["team": "risk"],
            artifactLocation: "s3://bucket/experiments/\(name)", createdAt: 5, updatedAt: 6, isProvisional: isProvisional)
    }
}

extension Run {
    /// A run of an experiment with every field set but its end.
    static func sample(_ id: String = "r1", in experiment: Experiment = .sample(), startedAt: Int64 = 7) -> Run {
        Run(
            id: id, experimentID: experiment.id, tenant: experiment.tenant, name: "name of \(id)", description: "a try",
            tags: ["lr": "0.1", "": "empty key"], startedAt: startedAt,
            artifactURI: Experiment.artifactURI(location: experiment.artifactLocation, run: id),
            isProvisional: experiment.isProvisional)
    }
}

extension NewJob {
    /// A hand-over of a run's artifact.
    static func sample(
        _ path: String, run: String, group: String? = nil, member: UInt32 = 0, tenant: String = "acme-corp", key: [UInt8]? = nil
    ) -> NewJob {
        var job = sample(path, tenant: tenant, key: key)
        job.run = RunPlace(runID: run, path: path, group: group, member: member)
        job.destination = ""
        return job
    }
}

extension Journal {
    /// Makes an experiment and starts a run in it.
    func start(_ id: String = "r1", in experiment: Experiment = .sample(), startedAt: Int64 = 7) throws {
        _ = try startRun(.sample(id, in: experiment, startedAt: startedAt), in: experiment)
    }

    /// Hands over an artifact and brings it into the store.
    @discardableResult
    func store(
        _ path: String, run: String = "r1", group: String? = nil, member: UInt32 = 0, etag: String = "e"
    ) throws -> Int64 {
        let sequence = try sequence(of: .sample(path, run: run, group: group, member: member))
        try store(sequence, etag: etag)
        return sequence
    }

    /// Brings an accepted job into the store.
    func store(_ sequence: Int64, etag: String = "e") throws {
        let facts = StoredFacts(etag: etag, size: 4, checksum: "crc64nvme:A", rawChecksum: "crc32c:R")
        guard try apply(.began(sequence, encoding: .zstd, at: 20)), try apply(.stored(sequence, facts, at: 30)) else {
            throw ArtifactError(.internalFault, "job \(sequence) could not be stored")
        }
    }

    func fail(_ sequence: Int64) throws {
        guard try apply(.failed(sequence, ArtifactError(.sourceLost, "gone"), at: 25)) else {
            throw ArtifactError(.internalFault, "job \(sequence) could not fail")
        }
    }

    /// What a listing of a run's artifacts shows: path and sequence of the version.
    func listed(_ query: ArtifactQuery) throws -> [String] {
        try artifacts(query).map { artifact in
            let sequence = try artifact.job.flatMap { id in try record(id)?.sequence }
            return "\(artifact.path) \(sequence ?? 0)"
        }
    }

    /// Confirms an experiment and waits for the answer.
    func confirm(_ id: String, location: String, createdAt: Int64 = 1) throws -> [ResolvedJob] {
        let answer = Monitor<Result<[ResolvedJob], ArtifactError>?>(nil)
        confirmExperiment(id, location: location, createdAt: createdAt) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        return try answer.wait { $0 }.get()
    }
}
