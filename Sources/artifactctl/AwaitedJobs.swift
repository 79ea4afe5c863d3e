import ArtifactModel
import ArtifactWire

/// The jobs of `put --ack stored` that are accepted and not stored yet, and how far they are.
///
/// They are waited for in batches, in the order of acceptance: the daemon answers once for a whole batch.
struct AwaitedJobs {
    /// A job, with what its hand-over said.
    struct Job {
        var path: String
        var accepted: Accepted
        var bytesDone: UInt64 = 0
    }

    /// The most jobs that are waited for; further files are handed over as these are stored.
    private static let limit = 10_000

    /// Those that have not settled.
    private(set) var jobs: [JobID: Job] = [:]
    private var waiting: [JobID] = []
    private var batch: [JobID] = []
    private var isPolling = false
    private var accepted = (count: 0, bytes: UInt64(0))
    private var settled = (count: 0, bytes: UInt64(0))
    private var meter = ProgressMeter()

    /// Whether one more file may be handed over while so many have no answer yet.
    func hasRoom(beside unanswered: Int) -> Bool { jobs.count + unanswered < Self.limit }

    mutating func add(_ answer: Accepted, path: String) {
        jobs[answer.id] = Job(path: path, accepted: answer)
        waiting.append(answer.id)
        accepted.count += 1
        accepted.bytes += answer.size
    }

    /// The next batch to wait for; nil while one is waited for, or there is none.
    mutating func beginBatch() -> [JobID]? {
        guard batch.isEmpty, !waiting.isEmpty else { return nil }
        batch = Array(waiting.prefix(Int(ListJobs.maximumLimit)))
        waiting.removeFirst(batch.count)
        return batch
    }

    /// The batch whose wait is over: its jobs are to be asked for once more.
    var currentBatch: [JobID] { batch }

    /// The batch, to ask how far it is; nil while there is none or the last question has no answer.
    mutating func beginPoll() -> [JobID]? {
        guard !batch.isEmpty, !isPolling else { return nil }
        isPolling = true
        return batch
    }

    mutating func endPoll() { isPolling = false }

    /// Takes in how far jobs are; returns those that have settled now.
    mutating func take(_ records: [JobRecord]) -> [(job: Job, record: JobRecord)] {
        var now: [(Job, JobRecord)] = []
        for record in records {
            guard let job = jobs[record.id] else { continue }
            if record.state.isFinal {
                jobs[record.id] = nil
                settled.count += 1
                settled.bytes += job.accepted.size
                now.append((job, record))
            } else {
                jobs[record.id]?.bytesDone = record.bytesDone
            }
        }
        return now
    }

    /// Ends the batch; returns what is left of it though its wait is over.
    mutating func endBatch() -> [Job] {
        let left = batch.compactMap { jobs.removeValue(forKey: $0) }
        batch = []
        return left
    }

    /// One line for a terminal; nil before the first job.
    /// - Parameter isCounting: whether more files are to come, so that the totals are not final.
    mutating func bar(now: UInt64, isCounting: Bool, width: Int) -> String? {
        if accepted.count == 0 { return nil }
        let done = min(accepted.bytes, settled.bytes + batch.reduce(0) { $0 + (jobs[$1]?.bytesDone ?? 0) })
        meter.note(done, at: now)
        let more = isCounting ? "+" : ""
        var columns = [
            Human.percent(done, of: accepted.bytes).padded(left: 4),
            "\(Human.size(done)) of \(Human.size(accepted.bytes))\(more)",
            "\(settled.count) of \(accepted.count)\(more) files",
        ]
        if let rate = meter.rate { columns.append(Human.rate(rate)) }
        if !isCounting, let left = meter.secondsLeft(of: accepted.bytes) { columns.append("ETA \(Human.duration(left))") }
        let text = columns.joined(separator: "  ")
        // A line that wrapped could not be drawn over: the bar takes what the figures leave.
        let room = min(30, width - 1 - text.count - 4)
        if room < 8 { return String(text.prefix(max(0, width - 1))) }
        return "\(Human.bar(Human.fraction(done, of: accepted.bytes), width: room))  \(text)"
    }
}
