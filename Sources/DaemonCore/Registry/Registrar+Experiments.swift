import ArtifactModel
import Journal
import LinuxSystem
import WorkerPool

/// Experiments: where they lie, and their state.
extension Registrar {
    /// Has the places confirmed that are provisional.
    func confirmExperiments(_ store: RegistryStore, _ memory: inout Memory) throws(ArtifactError) {
        try forEach { (last) throws(ArtifactError) in
            try journal.experimentsToConfirm(after: last, limit: page)
        } _: { experiment throws(ArtifactError) in
            attempt(.experiment(experiment.id), &memory) { memory throws(ArtifactError) in
                try confirm(experiment, store)
                memory.freshStates.insert(experiment.id)
            }
        }
        explainUnplaced(memory.findings)
    }

    /// Finds out where an experiment lies, and lets its jobs go there. Called on any thread that has a session.
    func confirm(_ experiment: Experiment, _ store: RegistryStore) throws(ArtifactError) {
        _ = try store.writeIfAbsent(ExperimentDocument(experiment), at: try RegistryStore.experimentKey(experiment.id))
        // Whoever was first: the store's wins. Read back where ours was written, too: a server may ignore the condition.
        guard let found = try store.experiment(experiment.id) else {
            throw ArtifactError(
                .storeUnavailable,
                "the store does not show experiment \(experiment.id) although it was written; it is tried again")
        }
        guard found.tenant == experiment.tenant, found.name.utf8.elementsEqual(experiment.name.utf8) else {
            throw ArtifactError(
                .corruptObject, "experiment \(experiment.id) in the store has another tenant or name; restore or remove it")
        }
        let done = Monitor<Result<Void, ArtifactError>?>(nil)
        journal.confirmExperiment(experiment.id, location: found.artifactLocation, createdAt: found.createdAt) {
            [dispatcher] outcome in
            if case .success(let jobs) = outcome { dispatcher.place(jobs) }
            done.withLock { $0 = outcome.map { _ in } }
            done.signal()
        }
        try done.wait { $0 }.get()
        _ = try journal.learnExperiment(found)
    }

    /// Jobs say why they wait for their experiment. One that cannot be confirmed fails its jobs: they can be retried when it is
    /// mended.
    private func explainUnplaced(_ findings: RegistryFindings) {
        var errors: [String: ArtifactError] = [:]
        for case (.experiment(let id), let error) in findings.errors { errors[id] = error }
        guard !errors.isEmpty else { return }
        for (sequence, error) in dispatcher.explainUnplaced(errors) where !error.code.isTransient {
            journal.submit(.failed(sequence, error, at: System.wallMilliseconds())) { [dispatcher] outcome in
                if case .success(true) = outcome { dispatcher.finished(sequence, .failed, error: error) }
            }
        }
    }

    /// Writes the states that were changed here.
    func writeStates(_ store: RegistryStore, _ memory: inout Memory) throws(ArtifactError) {
        try forEach { (last) throws(ArtifactError) in
            try journal.statesToWrite(after: last, limit: page)
        } _: { experiment throws(ArtifactError) in
            attempt(.experiment(experiment.id), &memory) { _ throws(ArtifactError) in
                try store.write(ExperimentStateDocument(experiment), at: try RegistryStore.stateKey(experiment.id))
                try journal.stateWritten(experiment)
            }
        }
    }

    /// Learns the state of an experiment that runs are started in: another node may have archived it. Once a pass is enough.
    func refreshState(of id: String, _ store: RegistryStore, _ memory: inout Memory) throws(ArtifactError) {
        guard memory.freshStates.insert(id).inserted, let known = try journal.experiment(id: id) else { return }
        var found = known
        try store.addState(to: &found)
        if found != known { _ = try journal.learnExperiment(found) }
    }
}
