import ArtifactModel
import Journal

/// Documents of runs.
extension Registrar {
    /// Writes the runs that were started or ended here.
    func writeRuns(_ store: RegistryStore, _ memory: inout Memory) throws(ArtifactError) {
        try forEach { (last) throws(ArtifactError) in
            try journal.runsToWrite(after: last, limit: page)
        } _: { run throws(ArtifactError) in
            attempt(.run(run.id), &memory) { memory throws(ArtifactError) in
                try journal.runWritten(run, as: try write(run, store))
                try refreshState(of: run.experimentID, store, &memory)
            }
        }
    }

    /// Writes how a run stands. What another node has written of the same run stays, also how it ended there, if it has.
    /// - Returns: the run as the store has it now.
    private func write(_ run: Run, _ store: RegistryStore) throws(ArtifactError) -> Run {
        let key = try RegistryStore.runKey(run.id)
        // A start is news to the store as a rule, and an end is not.
        if run.status == .running, try store.writeIfAbsent(RunDocument(run), at: key) { return run }
        guard var found = try store.run(run.id) else {
            guard try store.writeIfAbsent(RunDocument(run), at: key) else {
                throw ArtifactError(
                    .storeUnavailable, "the store does not show run '\(run.id)' although it is there; it is tried again")
            }
            return run
        }
        guard found.isSame(as: run) else {
            throw ArtifactError(
                .conflict,
                "run '\(run.id)' in the store is one of experiment \(found.experimentID), and not of \(run.experimentID): what is "
                    + "stored of this one stays, but is not committed; start it again under another id")
        }
        guard found.status == .running, run.status != .running else { return found }
        found.status = run.status
        found.endedAt = run.endedAt
        try store.write(RunDocument(found), at: key)
        return found
    }
}

extension Run {
    /// Whether the other is this run, and not one of another experiment that was given the same id on another node.
    func isSame(as other: Run) -> Bool { tenant == other.tenant && experimentID == other.experimentID }
}
