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
    @Option(parsing: .unconditional, help: ArgumentHelp("At most so many.", valueName: "count"))
    var limit: Int?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run(_ output: Output) throws {
        try options.connect().forEachJob(ListJobs(states: states), limit: limit.map { UInt64($0) } ?? .max) { job in
            if output.isJSON { try output.document(JobDocument(job)) } else { try output.line(Self.line(job)) }
        }
    }

    private static func line(_ job: JobRecord) -> String {
        let age = Human.age(of: job.acceptedAt, now: System.wallMilliseconds())
        let size = Human.size(job.size).padded(left: 8)
        var columns = [job.id.description, job.state.description.padded(to: 9), size, age.padded(left: 6)]
        columns.append(job.destination.shown)
        if let error = job.error { columns.append("(\(error.code): \(error.message.shown))") }
        return columns.joined(separator: "  ")
    }
}
