import ArgumentParser
import ArtifactModel
import ArtifactWire
import LinuxSystem

/// `artifactctl jobs`
struct JobsCommand: ControlCommand {
    static let configuration = CommandConfiguration(commandName: "jobs", abstract: "Lists jobs in the order of acceptance.")

    @Option(name: .customLong("state"), help: "Only jobs in this state; can be given several times.")
    var states: [JobState] = []

    @Option(help: ArgumentHelp("At most so many.", valueName: "count"))
    var limit: UInt64?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if limit == 0 { throw ValidationError("--limit must be at least 1") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        var request = ListJobs(states: states)
        var rest = limit ?? .max
        while rest > 0 {
            request.limit = UInt32(min(rest, UInt64(ListJobs.maximumLimit)))
            let page = try client.jobs(request)
            for job in page.records {
                if output.isJSON { try output.document(JobDocument(job)) } else { try output.line(Self.line(job)) }
            }
            try output.flush()
            guard let next = page.next else { return }
            request.after = next
            rest -= min(rest, UInt64(page.records.count))
        }
    }

    private static func line(_ job: JobRecord) -> String {
        let age = Human.age(of: job.acceptedAt, now: System.wallMilliseconds())
        let size = Human.size(job.size).padded(left: 8)
        var columns = [job.id.description, job.state.description.padded(to: 9), size, age.padded(left: 6)]
        columns.append(job.destination.escapedForLog)
        if let error = job.error { columns.append("(\(error.code): \(error.message.escapedForLog))") }
        return columns.joined(separator: "  ")
    }
}
