import ArtifactModel
import ArtifactWire

/// The status document as lines for a person.
struct StatusTable {
    /// The most jobs in flight that are shown where there is no end to the room.
    private static let shownJobs = 16
    /// How wide the names of rows are, with the gap behind them.
    private static let nameWidth = 13

    let lines: [String]

    /// - Parameter now: Unix milliseconds, to tell how long ago things were.
    /// - Parameter room: what the lines must fit into; nil for as wide and as many as they are.
    init(_ report: StatusReport, now: Int64, room: Terminal.Size? = nil) {
        var rows: [(name: String, text: String)] = []
        rows.append(("daemon", Self.daemon(report.daemon)))
        rows.append(("store", "\(report.daemon.store), \(report.daemon.storeCondition)"))
        rows.append(("integrity", report.daemon.integrity))
        rows.append(("journal", "\(report.daemon.journal), \(Human.size(report.journal.bytes))"))
        rows += Self.queue(report.queue, now: now)
        let workers = report.workers
        rows.append(("workers", "\(workers.active) active, \(workers.allowed) allowed now, \(workers.limit) at most"))
        rows.append(("buffers", Self.bounded(report.buffers)))
        rows.append(("spool", Self.bounded(report.spool)))
        rows.append(("descriptors", "\(report.descriptors.used) of \(report.descriptors.limit)"))
        rows.append(("clients", "\(report.connections.used) of \(report.connections.limit)"))
        rows.append(("throughput", Self.throughput(report.throughput)))
        if let text = Self.latency(report.latencies.handOver) { rows.append(("hand-over", text)) }
        if let text = Self.latency(report.latencies.part) { rows.append(("part", text)) }
        rows.append(("last error", report.lastError.map { Self.failure($0, now: now) } ?? "none"))
        var lines: [String] = []
        for row in rows {
            let texts = room.map { Self.wrapped(row.text.shown, width: $0.width - Self.nameWidth) } ?? [row.text.shown]
            for (index, text) in texts.enumerated() {
                lines.append((index == 0 ? row.name : "").padded(to: Self.nameWidth) + text)
            }
        }
        lines += Self.inFlight(report.inFlight, room: room)
        self.lines = room.map { Self.clipped(lines, to: $0) } ?? lines
    }

    /// The text on as many lines as it needs, broken at spaces; a word that is too long is cut where it must be.
    private static func wrapped(_ text: String, width: Int) -> [String] {
        let width = max(1, width)
        var lines: [String] = []
        var rest = text[...]
        while rest.count > width {
            // The space at the end of a line may stand just behind it.
            let line = rest.prefix(width + 1)
            if let space = line.lastIndex(of: " "), space != line.startIndex {
                lines.append(String(rest[..<space]))
                rest = rest[rest.index(after: space)...]
            } else {
                lines.append(String(rest.prefix(width)))
                rest = rest.dropFirst(width)
            }
        }
        return lines + [String(rest)]
    }

    /// The lines that the room has, the last of them saying how many more there are.
    private static func clipped(_ lines: [String], to room: Terminal.Size) -> [String] {
        let height = max(1, room.height)
        var shown = lines
        if lines.count > height {
            shown = lines.prefix(height - 1) + ["and \(Human.count(lines.count - height + 1, "line")) more"]
        }
        // A window narrower than the figures.
        return shown.map { String($0.prefix(max(0, room.width))) }
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

    /// How long most of them took, as far as the buckets tell it; nil where there were none.
    private static func latency(_ histogram: Histogram) -> String? {
        let quantiles = [(0.5, "half"), (0.99, "99%")].compactMap { share, name -> String? in
            guard let bound = histogram.quantile(share), let last = histogram.bounds.last else { return nil }
            return bound.isFinite ? "\(name) within \(Human.span(bound))" : "\(name) within more than \(Human.span(last))"
        }
        return quantiles.isEmpty ? nil : "\(quantiles.joined(separator: ", ")), of \(histogram.count)"
    }

    private static func failure(_ failure: StatusReport.Failure, now: Int64) -> String {
        let job = failure.job.map { " (job \($0))" } ?? ""
        let since = "since \(Human.moment(failure.since)) (\(Human.age(of: failure.since, now: now)))"
        return "\(failure.code) \(since): \(failure.message)\(job)"
    }

    /// - Parameter room: what the lines must fit into in width; in height they are clipped later.
    private static func inFlight(_ jobs: [StatusReport.InFlight], room: Terminal.Size?) -> [String] {
        if jobs.isEmpty { return [] }
        let shown = jobs.prefix(room == nil ? shownJobs : jobs.count)
        var lines = ["", "in flight"]
        let columns = room.map { Columns.fitting(shown, width: $0.width) } ?? .all
        for job in shown {
            let figures = columns.text(of: job)
            lines.append(figures + job.destination.shown.shortened(to: room.map { $0.width - figures.count }))
        }
        if jobs.count > shown.count { lines.append("  and \(jobs.count - shown.count) more") }
        return lines
    }

    /// What stands before the object of a job in flight: as much as leaves room to tell objects by.
    private enum Columns: CaseIterable {
        case all, withoutBar, withoutSize, withoutID

        /// The most columns of an object that need be shown.
        private static let object = 20

        static func fitting(_ jobs: some Sequence<StatusReport.InFlight>, width: Int) -> Columns {
            allCases.first { columns in
                jobs.allSatisfy { width - columns.text(of: $0).count >= min($0.destination.shown.count, object) }
            } ?? .withoutID
        }

        func text(of job: StatusReport.InFlight) -> String {
            let bar = Human.bar(Human.fraction(job.bytesDone, of: job.size), width: 16)
            let percent = Human.percent(job.bytesDone, of: job.size).padded(left: 4)
            let size = "of \(Human.size(job.size).padded(left: 8))"
            let eta = (job.etaSeconds.map { "ETA \(Human.duration($0))" } ?? "").padded(to: 10)
            let columns =
                switch self {
                case .all: [job.id.shown, "\(bar) \(percent) \(size)", eta]
                case .withoutBar: [job.id.shown, "\(percent) \(size)", eta]
                case .withoutSize: [job.id.shown, percent, eta]
                case .withoutID: [percent, eta]
                }
            return columns.map { "  \($0)" }.joined() + "  "
        }
    }
}

extension String {
    /// The text, or its end behind `…`, in at most so many columns; nil for all of it.
    fileprivate func shortened(to width: Int?) -> String {
        guard let width, count > width else { return self }
        return width < 1 ? "" : "…" + suffix(width - 1)
    }
}
