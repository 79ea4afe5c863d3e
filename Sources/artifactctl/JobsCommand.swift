import ArgumentParser
import ArtifactModel
import ArtifactWire
import LinuxSystem

/// `artifactctl jobs`
struct JobsCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists your jobs in the order of acceptance: id, state, size, age, object.",
        discussion: "For root and the daemon's own user: everybody's jobs.")

    @Option(name: .customLong("state"), help: "Only jobs in this state; can be given several times.")
    var states: [JobState] = []

    // Unconditional: a negative number is a value too, and is told what is wrong with it.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("At most so many: the oldest, unless --newest is given.", valueName: "count"))
    var limit: Int?

    @Flag(help: "With --limit: the newest instead of the oldest, in the order of acceptance all the same.")
    var newest = false

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if newest, limit == nil { throw ValidationError("--newest goes with --limit: without one all jobs are listed") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        let write = { (job: JobRecord) throws in
            if output.isJSON { try output.document(JobDocument(job)) } else { try output.line(Self.line(job)) }
        }
        if newest, let limit {
            try client.newestJobs(ListJobs(states: states), limit: limit).forEach(write)
        } else {
            try client.forEachJob(ListJobs(states: states), limit: limit.map { UInt64($0) } ?? .max, write)
        }
    }

    private static func line(_ job: JobRecord) -> String {
        let age = Human.age(of: job.acceptedAt, now: System.wallMilliseconds())
        let size = Human.size(job.size).padded(left: 8)
        var columns = [job.id.description, job.state.description.padded(to: 9), size, age.padded(left: 6)]
        columns.append(job.destination.shown)
        if let error = job.error { columns.append("(\(error.code): \(error.description.shown))") }
        return columns.joined(separator: "  ")
    }
}
