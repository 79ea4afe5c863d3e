import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl retry`
struct RetryCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Puts failed jobs back into the queue.",
        discussion:
            "For when what made them fail is mended: a missing bucket, a wrong secret. See 'artifactctl job ID' for the reason.")

    @Argument(help: ArgumentHelp("The jobs' ids.", valueName: "id"))
    var ids: [JobID] = []

    @Flag(help: "All of your jobs that failed; as root, everybody's.")
    var failed = false

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var count: UInt64
        var refusals: [ErrorDocument]
    }

    func validate() throws {
        // With neither, a script's empty list would retry everything.
        if ids.isEmpty != failed { throw ValidationError("name jobs, or give --failed for all that failed, not both") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        var retried = Retried(count: 0)
        var rest = ids[...]
        // No id at all asks for all that failed: one request even then.
        repeat {
            let page = rest.prefix(Retry.maximumJobs)
            rest = rest.dropFirst(page.count)
            let answer = try client.retry(Array(page))
            retried.count += answer.count
            retried.refusals += answer.refusals
        } while !rest.isEmpty
        if output.isJSON {
            try output.document(Document(count: retried.count, refusals: retried.refusals.map { ErrorDocument($0.error) }))
        } else {
            try output.line("\(retried.count) \(retried.count == 1 ? "job is" : "jobs are") in the queue again")
            for refusal in retried.refusals { try output.complain(refusal.error) }
        }
        let statuses = retried.refusals.map { ExitStatus($0.error.code) }
        if let status = statuses.first(where: { $0 == .failed }) ?? statuses.first { throw status }
    }
}
