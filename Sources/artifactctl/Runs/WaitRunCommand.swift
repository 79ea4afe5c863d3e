import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl runs wait`
struct WaitRunCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits until a run is committed: all is stored, and its manifest written.",
        discussion: """
            Of a run that has ended, or that a program has asked to commit. With --group: until the group is committed, which needs \
            every member on whatever node. What is missing is named. Status 1: artifacts failed, so that it cannot be committed \
            until they are retried or cancelled. Status 75: the time is up.
            """)

    @Argument(help: ArgumentHelp("The run's id.", valueName: "run"))
    var runID: String

    @Option(help: ArgumentHelp("A group of the run, instead of what this daemon was given for the run.", valueName: "name"))
    var group: String?

    @OptionGroup var wait: WaitOptions
    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var committed: Bool
        var pending: UInt64
        var failed: UInt64
        var missing: [UInt32]
        var error: ErrorDocument?
    }

    func run(_ output: Output) throws {
        let (client, timeLeft) = try wait.connect(options)
        try client.attach(to: runID, timeout: timeLeft().map { .milliseconds($0) + Client.waitGrace })
        let waited: CommitWaited
        do throws(ClientError) {
            waited = try client.waitCommit(WaitCommit(runID: runID, group: group, timeout: timeLeft()))
        } catch {
            throw wayOut(of: error)
        }
        if output.isJSON {
            try output.document(
                Document(
                    committed: waited.isCommitted, pending: waited.pending, failed: waited.failed, missing: waited.missing,
                    error: waited.error.map { ErrorDocument($0) }))
        } else if !waited.isCommitted {
            try explain(waited, client, output)
        }
        if waited.isCommitted { return }
        let isHopeless = waited.failed > 0 || waited.error.map { !$0.code.isTransient } ?? false
        throw isHopeless ? ExitStatus.failed : ExitStatus.tryAgain
    }

    /// The run is there, so what is not found is the wish to commit it.
    private func wayOut(of error: ClientError) -> ClientError {
        guard case .failure(let refusal) = error, refusal.code == .notFound else { return error }
        let message =
            group.map { "no member of the group '\($0.escapedForLog)' of run '\(runID)' has been committed on this node" }
            ?? "run '\(runID)' has not ended on this node; 'artifactctl runs end \(runID)' ends it, which commits it"
        return .failure(ArtifactError(.notFound, message, cause: refusal.description))
    }

    // MARK: What is missing

    /// The most artifacts that are named.
    private static let named = 20

    private func explain(_ waited: CommitWaited, _ client: Client, _ output: Output) throws {
        // Artifacts are not told apart by their group.
        if group == nil, waited.failed + waited.pending > 0 { try nameArtifacts(client, output) }
        if let group, !waited.missing.isEmpty {
            let numbers = waited.missing.map { "\($0)" }.joined(separator: ", ")
            let more = waited.missing.count == CommitWaited.maximumMissing ? " and perhaps more" : ""
            try output.note("of the group '\(group.escapedForLog)' these members are missing: \(numbers)\(more)")
        }
        if let error = waited.error { try output.note("\(error)") }
        if waited.failed > 0 {
            try output.note(
                "\(Human.count(waited.failed, "artifact")) failed; 'artifactctl retry JOB' tries one again, 'artifactctl cancel JOB' "
                    + "gives it up, and the manifest is written without it")
        }
        if waited.pending > 0 {
            try output.note("\(Human.count(waited.pending, "artifact")) not stored yet")
        } else if waited.failed == 0, waited.missing.isEmpty, waited.error == nil {
            try output.note("the time is up: all is stored, the manifest is not written yet")
        }
    }

    /// Names artifacts that are not stored, with their jobs: those that failed with their reasons.
    private func nameArtifacts(_ client: Client, _ output: Output) throws {
        var count = 0
        do {
            // The wait is over: what is only a help may not take long.
            _ = try client.forEachArtifact(ListArtifacts(runID: runID), timeout: Client.waitGrace) { artifact in
                if artifact.state == .stored { return }
                count += 1
                if count > Self.named { return }
                let job = artifact.job.map { " (job \($0))" } ?? ""
                let why = artifact.error.map { ": \($0.code): \($0)" } ?? ""
                try output.note("'\(artifact.path.escapedForLog)' is \(artifact.state)\(job)\(why)")
            }
        } catch let error as ClientError {
            try output.note("which artifacts these are is not known: \(error)")
        }
        if count > Self.named {
            try output.note("and \(count - Self.named) more; 'artifactctl artifacts \(runID)' lists all")
        }
    }
}
