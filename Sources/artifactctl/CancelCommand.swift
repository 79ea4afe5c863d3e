import ArgumentParser
import ArtifactClient
import ArtifactModel
import ArtifactWire

/// `artifactctl cancel`
struct CancelCommand: ControlCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Gives jobs up that are not stored: those on their way, and those that failed.",
        discussion: """
            A failed job keeps its file pinned, and with it disk space, until it is retried or cancelled. The file itself is left \
            alone. Status 1: a job was stored before, or there is none of that id.
            """)

    @Argument(help: ArgumentHelp("The jobs' ids.", valueName: "id"))
    var ids: [JobID] = []

    @Flag(help: "All of your jobs that failed; as root, everybody's.")
    var failed = false

    @OptionGroup var options: GlobalOptions

    private struct Document: Encodable {
        var id: String
        var state: String
    }

    func validate() throws {
        // With neither, a script's empty list would cancel everything.
        if ids.isEmpty != failed { throw ValidationError("name jobs, or give --failed for all that failed, not both") }
    }

    func run(_ output: Output) throws {
        let client = try options.connect()
        var refused = false
        let cancel = { (id: JobID) throws in
            if try !cancelOne(id, client, output) { refused = true }
        }
        if failed {
            try client.forEachJob(ListJobs(states: [.failed])) { try cancel($0.id) }
        } else {
            try ids.forEach(cancel)
        }
        if refused { throw ExitStatus.failed }
    }

    /// Returns whether the job is cancelled now.
    private func cancelOne(_ id: JobID, _ client: Client, _ output: Output) throws -> Bool {
        let state: JobState
        do throws(ClientError) {
            state = try client.cancel(id)
        } catch {
            // The others can be cancelled all the same.
            guard case .failure(let refusal) = error, refusal.code == .notFound else { throw error }
            try output.complain(refusal)
            return false
        }
        if output.isJSON {
            try output.document(Document(id: id.description, state: state.description))
        } else {
            try output.line("\(id)  \(state)")
        }
        return state == .cancelled
    }
}
