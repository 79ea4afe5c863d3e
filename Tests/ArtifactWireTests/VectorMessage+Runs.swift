import ArtifactModel
import ArtifactWire

/// The messages about experiments, runs and their artifacts.
extension GoodVector {
    static func registryMessage(_ type: String, _ fields: inout VectorFields) throws -> Message {
        switch type {
        case "CREATE_EXPERIMENT":
            .createExperiment(
                CreateExperiment(
                    name: try text("name", &fields), description: try text("description", &fields), tags: try tags(&fields),
                    artifactLocation: try fields.text("artifact_location")))
        case "EXPERIMENT_CREATED": .experimentCreated(try experiment(&fields))
        case "GET_EXPERIMENT": .getExperiment(GetExperiment(try reference("id", "name", &fields)))
        case "EXPERIMENT": .experiment(try experiment(&fields))
        case "LIST_EXPERIMENTS":
            .listExperiments(
                ListExperiments(
                    search: try fields.text("search"), stage: try fields.choice("lifecycle_stage", LifecycleStage.self),
                    limit: try limit(&fields), offset: try unsigned("offset", &fields)))
        case "EXPERIMENTS":
            .experiments(
                Experiments(
                    experiments: try fields.nested("experiment").map(experiment), total: try unsigned("total", &fields)))
        case "UPDATE_EXPERIMENT":
            .updateExperiment(
                UpdateExperiment(
                    id: try text("id", &fields), description: try fields.text("description"), tags: try tagChanges(&fields),
                    stage: try fields.choice("lifecycle_stage", LifecycleStage.self)))
        case "EXPERIMENT_UPDATED": .experimentUpdated(try experiment(&fields))
        case "START_RUN":
            .startRun(
                StartRun(
                    experiment: try reference("experiment_id", "experiment_name", &fields), runID: try fields.text("run_id"),
                    name: try text("name", &fields), description: try text("description", &fields), tags: try tags(&fields)))
        case "RUN_STARTED": .runStarted(try run(&fields))
        case "GET_RUN": .getRun(GetRun(runID: try text("run_id", &fields)))
        case "RUN": .run(try run(&fields))
        case "LIST_RUNS":
            .listRuns(
                ListRuns(
                    experimentID: try fields.text("experiment_id"), status: try fields.choice("status", RunStatus.self),
                    search: try fields.text("search"), limit: try limit(&fields), offset: try unsigned("offset", &fields)))
        case "RUNS":
            .runs(Runs(runs: try fields.nested("run").map(run), total: try unsigned("total", &fields)))
        case "END_RUN":
            .endRun(
                EndRun(
                    runID: try text("run_id", &fields),
                    status: try fields.required(fields.choice("status", RunStatus.self), "status")))
        case "RUN_ENDED": .runEnded(try run(&fields))
        default: try artifactsMessage(type, &fields)
        }
    }

    private static func artifactsMessage(_ type: String, _ fields: inout VectorFields) throws -> Message {
        switch type {
        case "COMMIT": .commit(Commit(runID: try text("run_id", &fields), scope: try scope(&fields)))
        case "COMMITTING": .committing
        case "WAIT_COMMIT":
            .waitCommit(
                WaitCommit(
                    runID: try text("run_id", &fields), group: try fields.text("group"), timeout: try fields.unsigned("timeout")))
        case "COMMIT_WAITED":
            .commitWaited(
                CommitWaited(
                    isCommitted: try fields.required(fields.bool("committed"), "committed"),
                    pending: try unsigned("pending", &fields), failed: try unsigned("failed", &fields),
                    missing: try fields.integers("missing", as: UInt32.self), error: try errorIfPresent("error", &fields)))
        case "LIST_ARTIFACTS":
            .listArtifacts(
                ListArtifacts(
                    runID: try text("run_id", &fields), path: try fields.text("path"),
                    kind: try fields.choice("kind", ArtifactKind.self), after: try fields.text("after"),
                    limit: try limit(&fields)))
        case "ARTIFACTS":
            .artifacts(
                Artifacts(
                    artifacts: try fields.nested("artifact").map(artifact), next: try fields.text("next"),
                    incomplete: try errorIfPresent("incomplete", &fields)))
        case "DELETE_ARTIFACTS":
            .deleteArtifacts(
                DeleteArtifacts(
                    runID: try text("run_id", &fields), path: try text("path", &fields),
                    isRecursive: try fields.required(fields.bool("recursive"), "recursive")))
        case "ARTIFACTS_DELETED": .artifactsDeleted(ArtifactsDeleted(count: try unsigned("count", &fields)))
        default: throw VectorProblem("no message is called '\(type)'")
        }
    }

    static func groupMember(_ fields: inout VectorFields) throws -> GroupMember? {
        guard let group = try fields.text("group") else { return nil }
        return GroupMember(group: group, number: try fields.required(fields.integer("member", as: UInt32.self), "member"))
    }

    private static func scope(_ fields: inout VectorFields) throws -> Commit.Scope {
        guard let member = try groupMember(&fields) else { return .run }
        return .member(member, of: try fields.required(fields.integer("members", as: UInt32.self), "members"))
    }

    private static func reference(
        _ id: String, _ name: String, _ fields: inout VectorFields
    ) throws -> ExperimentReference {
        if let id = try fields.text(id) { .id(id) } else { .name(try text(name, &fields)) }
    }

    private static func experiment(_ fields: inout VectorFields) throws -> Experiment {
        try experiment(try fields.required(fields.nestedIfPresent("experiment"), "experiment"))
    }

    private static func experiment(_ value: VectorFields) throws -> Experiment {
        var fields = value
        let experiment = Experiment(
            id: try text("id", &fields), tenant: try text("tenant", &fields), name: try text("name", &fields),
            description: try text("description", &fields), tags: try tags(&fields),
            artifactLocation: try text("artifact_location", &fields),
            stage: try fields.required(fields.choice("lifecycle_stage", LifecycleStage.self), "lifecycle_stage"),
            createdAt: try fields.required(fields.integer("created_at", as: Int64.self), "created_at"),
            updatedAt: try fields.required(fields.integer("updated_at", as: Int64.self), "updated_at"),
            isProvisional: try fields.required(fields.bool("provisional"), "provisional"))
        try fields.finish()
        return experiment
    }

    private static func run(_ fields: inout VectorFields) throws -> Run {
        try run(try fields.required(fields.nestedIfPresent("run"), "run"))
    }

    private static func run(_ value: VectorFields) throws -> Run {
        var fields = value
        let run = Run(
            id: try text("run_id", &fields), experimentID: try text("experiment_id", &fields),
            tenant: try text("tenant", &fields), name: try text("name", &fields),
            description: try text("description", &fields), tags: try tags(&fields),
            status: try fields.required(fields.choice("status", RunStatus.self), "status"),
            startedAt: try fields.required(fields.integer("started_at", as: Int64.self), "started_at"),
            endedAt: try fields.integer("ended_at", as: Int64.self), artifactURI: try text("artifact_uri", &fields),
            isProvisional: try fields.required(fields.bool("provisional"), "provisional"))
        try fields.finish()
        return run
    }

    private static func artifact(_ value: VectorFields) throws -> ArtifactRecord {
        var fields = value
        let artifact = ArtifactRecord(
            path: try text("path", &fields), uri: try text("uri", &fields), size: try fields.unsigned("size"),
            kind: try fields.required(fields.choice("kind", ArtifactKind.self), "kind"),
            contentType: try text("content_type", &fields),
            state: try fields.required(fields.choice("state", JobState.self), "state"), checksum: try fields.text("checksum"),
            encoding: try fields.choice("encoding", ContentEncoding.self), storedSize: try fields.unsigned("stored_size"),
            etag: try fields.text("etag"),
            updatedAt: try fields.required(fields.integer("updated_at", as: Int64.self), "updated_at"),
            job: try fields.jobID("job"), error: try errorIfPresent("error", &fields))
        try fields.finish()
        return artifact
    }

    private static func tags(_ fields: inout VectorFields) throws -> [String: String] {
        try tagChanges(&fields).mapValues { value in
            guard let value else { throw VectorProblem("a tag has no value") }
            return value
        }
    }

    private static func tagChanges(_ fields: inout VectorFields) throws -> [String: String?] {
        var changes: [String: String?] = [:]
        for var pair in try fields.nested("tag") {
            changes.updateValue(try pair.text("value"), forKey: try text("key", &pair))
            try pair.finish()
        }
        return changes
    }

    private static func text(_ name: String, _ fields: inout VectorFields) throws -> String {
        try fields.required(fields.text(name), name)
    }

    private static func unsigned(_ name: String, _ fields: inout VectorFields) throws -> UInt64 {
        try fields.required(fields.unsigned(name), name)
    }

    private static func limit(_ fields: inout VectorFields) throws -> UInt32 {
        try fields.required(fields.integer("limit", as: UInt32.self), "limit")
    }
}
