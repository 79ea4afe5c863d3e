public import ArtifactModel
public import ArtifactWire

/// Experiments, runs and their artifacts. Like the other requests: each waits for its answer, and throws `failure` when the daemon
/// refuses; with `unsupportedMessage` when it does not serve them.
extension Client {
    /// Makes an experiment.
    /// - Throws: `conflict` when there is one of that name.
    public func createExperiment(_ request: CreateExperiment) throws(ClientError) -> Experiment {
        guard case .experimentCreated(let experiment) = try ask(.createExperiment(request)) else { throw Self.confused }
        return experiment
    }

    /// An experiment, of whatever node.
    public func experiment(_ reference: ExperimentReference) throws(ClientError) -> Experiment {
        guard case .experiment(let experiment) = try ask(.getExperiment(GetExperiment(reference))) else { throw Self.confused }
        return experiment
    }

    /// A page of the experiments that the daemon has seen.
    public func experiments(_ request: ListExperiments) throws(ClientError) -> Experiments {
        guard case .experiments(let experiments) = try ask(.listExperiments(request)) else { throw Self.confused }
        return experiments
    }

    /// Changes an experiment; returns it as it is now.
    public func updateExperiment(_ request: UpdateExperiment) throws(ClientError) -> Experiment {
        guard case .experimentUpdated(let experiment) = try ask(.updateExperiment(request)) else { throw Self.confused }
        return experiment
    }

    /// Begins a run, or returns the one of that id.
    public func startRun(_ request: StartRun) throws(ClientError) -> Run {
        guard case .runStarted(let run) = try ask(.startRun(request)) else { throw Self.confused }
        return run
    }

    /// A run, of whatever node. The daemon knows it from then on: other requests may refuse a run that it has not seen.
    /// - Parameter timeout: how long it may take, with the store; nil for as long as the daemon needs.
    /// - Throws: `timeout` when the time is up, which ends the connection.
    public func run(_ id: String, timeout: Duration? = nil) throws(ClientError) -> Run {
        guard case .run(let run) = try ask(.getRun(GetRun(runID: id)), timeout: timeout) else { throw Self.confused }
        return run
    }

    /// A page of the runs that the daemon has seen.
    public func runs(_ request: ListRuns) throws(ClientError) -> Runs {
        guard case .runs(let runs) = try ask(.listRuns(request)) else { throw Self.confused }
        return runs
    }

    /// Ends a run: its manifest is written once all its artifacts are stored.
    public func endRun(_ request: EndRun) throws(ClientError) -> Run {
        guard case .runEnded(let run) = try ask(.endRun(request)) else { throw Self.confused }
        return run
    }

    /// Waits until a run or a group is committed.
    /// - Throws: `failure` with `timeout` when the daemon does not even say that the request's time is up.
    public func waitCommit(_ request: WaitCommit) throws(ClientError) -> CommitWaited {
        guard case .commitWaited(let waited) = try ask(.waitCommit(request), timeout: Self.patience(of: request.timeout)) else {
            throw Self.confused
        }
        return waited
    }

    /// A page of a run's artifacts.
    /// - Parameter timeout: how long it may take, with the store; nil for as long as the daemon needs.
    /// - Throws: `timeout` when the time is up, which ends the connection.
    public func artifacts(_ request: ListArtifacts, timeout: Duration? = nil) throws(ClientError) -> Artifacts {
        guard case .artifacts(let artifacts) = try ask(.listArtifacts(request), timeout: timeout) else { throw Self.confused }
        return artifacts
    }

    /// Removes artifacts of a run; returns how many are gone.
    /// - Throws: `notFound` when there is none.
    public func deleteArtifacts(_ request: DeleteArtifacts) throws(ClientError) -> UInt64 {
        guard case .artifactsDeleted(let deleted) = try ask(.deleteArtifacts(request)) else { throw Self.confused }
        return deleted.count
    }

    /// Requests of a feature that is not in force must not be sent.
    private func ask(_ message: Message, timeout: Duration? = nil) throws(ClientError) -> Message {
        guard welcome.features.contains(.runs) else {
            throw .failure(
                ArtifactError(
                    .unsupportedMessage,
                    "this daemon (\(welcome.server.escapedForLog)) does not serve experiments and runs; upgrade it"))
        }
        return try call(message, timeout: timeout)
    }
}
