import ArtifactModel
import ArtifactWire

/// The status document as lines for a person.
struct StatusTable {
    /// The most jobs in flight that are shown.
    private static let shownJobs = 16

    let lines: [String]

    /// - Parameter now: Unix milliseconds, to tell how long ago things were.
    init(_ report: StatusReport, now: Int64) {
        var rows: [(name: String, text: String)] = []
        rows.append(("daemon", Self.daemon(report.daemon)))
        rows.append(("store", "\(report.daemon.store), \(report.daemon.storeCondition)"))
        rows.append(("integrity", report.daemon.integrity))
        rows.append(("journal", report.daemon.journal))
        rows += Self.queue(report.queue, now: now)
        let workers = report.workers
        rows.append(("workers", "\(workers.active) active, \(workers.allowed) allowed now, \(workers.limit) at most"))
        rows.append(("buffers", Self.bounded(report.buffers)))
        rows.append(("spool", Self.bounded(report.spool)))
        rows.append(("descriptors", "\(report.descriptors.used) of \(report.descriptors.limit)"))
        rows.append(("clients", "\(report.connections.used) of \(report.connections.limit)"))
        rows.append(("throughput", Self.throughput(report.throughput)))
        rows.append(("last error", report.lastError.map { Self.failure($0, now: now) } ?? "none"))
        lines = rows.map { "\($0.name.padded(to: 11))  \($0.text.shown)" } + Self.inFlight(report.inFlight)
    }

    private static func daemon(_ daemon: StatusReport.Daemon) -> String {
        "artifactd \(daemon.version), pid \(daemon.pid), up \(Human.duration(daemon.uptimeSeconds))"
    }

    private static func queue(_ queue: StatusReport.Queue, now: Int64) -> [(String, String)] {
        let states: [(JobState, KeyPath<StatusReport.ByState, UInt64>)] = [
            (.accepted, \.accepted), (.uploading, \.uploading), (.stored, \.stored), (.failed, \.failed),
            (.cancelled, \.cancelled),
        ]
        var rows = states.enumerated().map { index, state in
            let count = "\(queue.jobs[keyPath: state.1])".padded(left: 10)
            let bytes = Human.size(queue.bytes[keyPath: state.1]).padded(left: 10)
            return (index == 0 ? "queue" : "", "\(state.0.description.padded(to: 9)) \(count) \(bytes)")
        }
        let pending = queue.jobs.accepted + queue.jobs.uploading
        rows.append(("pending", "\(pending) of \(queue.limit) jobs, \(Human.size(queue.bytesPending)) to go"))
        if let oldest = queue.oldestAcceptedAt {
            rows.append(("oldest", "waiting for \(Human.age(of: oldest, now: now)), since \(Human.moment(oldest))"))
        }
        return rows
    }

    private static func bounded(_ amount: StatusReport.Bounded) -> String {
        "\(Human.size(amount.used)) of \(Human.size(amount.limit))"
    }

    private static func throughput(_ throughput: StatusReport.Throughput) -> String {
        let totals = "\(Human.size(throughput.bytesRead)) read, \(Human.size(throughput.bytesSent)) sent"
        return "\(Human.rate(throughput.bytesPerSecond)), \(totals), \(throughput.retries) requests sent again"
    }

    private static func failure(_ failure: StatusReport.Failure, now: Int64) -> String {
        let job = failure.job.map { " (job \($0))" } ?? ""
        let since = "since \(Human.moment(failure.since)) (\(Human.age(of: failure.since, now: now)))"
        return "\(failure.code) \(since): \(failure.message)\(job)"
    }

    private static func inFlight(_ jobs: [StatusReport.InFlight]) -> [String] {
        if jobs.isEmpty { return [] }
        var lines = ["", "in flight"]
        for job in jobs.prefix(shownJobs) {
            let bar = Human.bar(Human.fraction(job.bytesDone, of: job.size), width: 16)
            let percent = Human.percent(job.bytesDone, of: job.size).padded(left: 4)
            let size = Human.size(job.size).padded(left: 8)
            let eta = (job.etaSeconds.map { "ETA \(Human.duration($0))" } ?? "").padded(to: 10)
            lines.append("  \(job.id.shown)  \(bar) \(percent) of \(size)  \(eta)  \(job.destination.shown)")
        }
        if jobs.count > shownJobs { lines.append("  and \(jobs.count - shownJobs) more") }
        return lines
    }
}
