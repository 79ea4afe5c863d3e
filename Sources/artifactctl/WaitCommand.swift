import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl wait`
struct WaitCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits until jobs are stored.",
        discussion: """
            Status 0 says that everything is stored: the jobs named, or, with none named, all of yours; jobs that failed long ago \
            and still stand as failed count until they are retried or cancelled. Status 1: jobs failed or were cancelled, whether or \
            not others are still on their way. Status 75: none failed, but the time is up.
            """)

    @Argument(help: ArgumentHelp("The jobs' ids; none for all of your jobs (as root, everybody's).", valueName: "id"))
    var ids: [JobID] = []

    @OptionGroup var wait: WaitOptions
    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var pending: UInt64
        var failed: UInt64
    }

    func run(_ output: Output) throws {
        let (client, timeLeft) = try wait.connect(options)
        let waited = try client.wait(Wait(ids: ids, timeout: timeLeft()))
        if output.isJSON {
            try output.document(Document(pending: waited.pending, failed: waited.failed))
        } else {
            try explain(waited, client, output)
        }
        if waited.failed > 0 { throw ExitStatus.failed }
        if waited.pending > 0 { throw ExitStatus.tryAgain }
    }

    private func explain(_ waited: Waited, _ client: Client, _ output: Output) throws {
        if waited.failed > 0 {
            try nameFailures(client, output)
            let wayOut =
                ids.isEmpty
                ? "'artifactctl jobs --state failed' shows those that stand as failed, 'artifactctl retry --failed' tries them "
                    + "again, 'artifactctl cancel --failed' gives them up"
                : "'artifactctl retry ID' tries a failed one again, 'artifactctl cancel ID' gives it up"
            try output.note("\(Human.count(waited.failed, "job")) failed or cancelled; \(wayOut)")
        }
        if waited.pending > 0 { try output.note("the time is up: \(Human.count(waited.pending, "job")) not stored yet") }
    }

    /// Names the jobs among those asked for that failed, with their reasons.
    private func nameFailures(_ client: Client, _ output: Output) throws {
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
