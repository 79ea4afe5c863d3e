import ArtifactModel
import ArtifactWire

/// Tells what became of each file of a `put`, and counts the failures.
final class PutReport {
    private let output: Output
    /// How many files failed or were refused.
    private(set) var failures = 0

    init(_ output: Output) { self.output = output }

    /// A file was accepted, and that is all that is waited for.
    func accepted(_ accepted: Accepted, path: String) throws {
        guard output.isJSON else {
            let again = accepted.isDuplicate ? "  (the job of an earlier hand-over)" : ""
            return try output.line(
                "\(accepted.id)  accepted/\(accepted.level)  \(accepted.destination.shown)\(again)")
        }
        try output.document(
            PutDocument(
                id: accepted.id.description, path: path, destination: accepted.destination, size: accepted.size,
                state: JobState.accepted.description, level: accepted.level.description, pin: accepted.pin.description,
                duplicate: accepted.isDuplicate))
    }

    /// A job will move no further.
    func settled(_ job: AwaitedJobs.Job, _ record: JobRecord) throws {
        if record.state != .stored { failures += 1 }
        let level = record.state == .stored ? AcknowledgementLevel.stored : record.level
        guard output.isJSON else {
            let why = record.error.map { "  \($0.code): \($0.description.shown)" } ?? ""
            return try output.line("\(record.id)  \(record.state)/\(level)  \(record.destination.shown)\(why)")
        }
        try output.document(
            PutDocument(
                id: record.id.description, path: job.path, destination: record.destination, size: record.size,
                state: record.state.description, level: level.description, pin: record.pin.description,
                duplicate: job.accepted.isDuplicate, error: record.error.map { ErrorDocument($0) }))
    }

    /// A file cannot be handed over, or nothing is known of it any more.
    func failed(_ path: String, _ error: ArtifactError) throws {
        failures += 1
        try output.complain(error, path: path)
    }

    /// Something is left out by rule.
    func skipped(_ path: String, why: String) throws {
        if output.complainsInDocuments {
            try output.document(Skipped(path: path, skipped: why))
        } else {
            try output.note("'\(path.escapedForLog)' is skipped: \(why)")
        }
    }

    private struct Skipped: Encodable {
        var path: String
        var skipped: String
    }
}
