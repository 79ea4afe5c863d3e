import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl wait`
struct WaitCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits until jobs are stored.",
        discussion: "Ends with status 1 when one failed or was cancelled, with 75 when the time is up.")

    @Argument(help: ArgumentHelp("The jobs; none for all of yours.", valueName: "id"))
    var ids: [JobID] = []

    @Option(help: ArgumentHelp("How long to wait at most; without end unless given.", valueName: "seconds"))
    var timeout: Double?

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var pending: UInt64
        var failed: UInt64
    }

    func validate() throws {
        if let timeout, !(0...1e9).contains(timeout) { throw ValidationError("--timeout must be from 0 to 1000000000 seconds") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        let waited = try client.wait(Wait(ids: ids, timeout: timeout.map { UInt64($0 * 1000) }))
        if output.isJSON {
            try output.document(Document(pending: waited.pending, failed: waited.failed))
        } else {
            if waited.failed > 0 { try explainFailures(client, output) }
            if waited.failed > 0 || waited.pending > 0 {
                try output.note("\(waited.failed) failed or cancelled, \(waited.pending) not stored yet")
            }
        }
        if waited.failed > 0 { throw ExitStatus.failed }
        if waited.pending > 0 { throw ExitStatus.tryAgain }
    }

    /// Names the jobs among those asked for that failed, with their reasons.
    private func explainFailures(_ client: Client, _ output: Output) throws {
        var rest = ids[...]
        while !rest.isEmpty {
            let page = Array(rest.prefix(Int(ListJobs.maximumLimit)))
            rest = rest.dropFirst(page.count)
            try client.forEachJob(ListJobs(ids: page, states: [.failed, .cancelled])) { job in
                try output.note("\(job.id) \(job.state): \(job.error?.description ?? "given up on request")")
            }
        }
    }
}
