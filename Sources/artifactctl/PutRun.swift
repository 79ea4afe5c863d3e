import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem

/// Hands files over, many at once, and waits for what is to be waited for.
///
/// One loop sends what the bounds allow and takes one answer; nothing is kept of a file whose line is written.
final class PutRun {
    /// What an answer is to.
    private enum Request {
        case put(SourceWalk.Candidate)
        /// For a batch to be stored.
        case wait
        /// For how far the batch is.
        case poll
        /// For the outcome of the batch.
        case outcome
    }

    /// The most files handed over and not answered.
    private static let window = 256
    /// What else can be open besides: the wait, the question how far it is, and the client's own for a sign of life.
    private static let besides = 3
    /// Between two drawings of the progress bar, in nanoseconds.
    private static let tick: UInt64 = 250_000_000

    private let client: Client
    private let output: Output
    private let report: PutReport
    private let walk: SourceWalk
    private let put: (String) -> Put
    private let awaitsStored: Bool
    private let window: Int
    private let currentDirectory: String
    private var requests: [UInt64: Request] = [:]
    private var unanswered = 0
    private var handedOver = 0
    private var walkEnded = false
    private var busy: BusyQueue
    private var awaited = AwaitedJobs()
    private var nextTick: UInt64 = 0

    /// - Parameter patience: how long the daemon may take nothing, for reasons that pass.
    /// - Parameter awaitsStored: whether to wait until every object is stored.
    /// - Parameter put: the request for a file that goes to this destination of the walk's, without its label.
    init(
        _ client: Client, _ output: Output, walk: SourceWalk, patience: Patience, awaitsStored: Bool,
        put: @escaping (String) -> Put
    ) throws(SystemError) {
        self.client = client
        self.output = output
        report = PutReport(output)
        self.walk = walk
        self.put = put
        self.awaitsStored = awaitsStored
        window = min(Self.window, max(1, Int(client.welcome.requestLimit) - Self.besides))
        currentDirectory = try System.currentDirectory()
        busy = BusyQueue(patience: patience)
    }

    /// Runs to the end; returns the status that follows.
    func run() throws -> ExitStatus {
        // The files do not depend on whether anybody reads the reports.
        output.outlivesStandardOutput = true
        do {
            while true {
                try handOver()
                if let ids = awaited.beginBatch() { try ask(.wait(Wait(ids: ids)), .wait) }
                if requests.isEmpty, busy.isEmpty || busy.hasGivenUp { break }
                try takeAnswer()
            }
        } catch let error as ClientError {
            try tellWhatIsLeft(error)
            let hasFailed = try tellLoss() || report.failures > 0
            guard hasFailed, ExitStatus(error) == .tryAgain else { throw error }
            // What was refused for good must not hide behind "try again".
            _ = output.explain(error)
            return .failed
        }
        try output.showBar(nil)
        let status = busy.hasGivenUp ? try giveUp() : try tellFailures() ? .failed : .done
        return try tellLoss() ? .failed : status
    }

    // MARK: Handing over

    /// Sends until a bound is reached or there is nothing more.
    private func handOver() throws {
        while unanswered < window, !busy.hasGivenUp, awaited.hasRoom(beside: unanswered),
            !busy.isHoldingBack(now: System.monotonicNanoseconds())
        {
            if let candidate = busy.takeFirst() {
                try send(candidate)
            } else if let step = walk.next() {
                try take(step, send)
            } else {
                walkEnded = true
                return
            }
        }
    }

    private func take(_ step: SourceWalk.Step, _ file: (SourceWalk.Candidate) throws -> Void) throws {
        switch step {
        case .file(let candidate): try file(candidate)
        case .refused(let path, let error): try report.failed(path, error)
        case .skipped(let path, let why): try report.skipped(path, why: why)
        }
    }

    private func send(_ candidate: SourceWalk.Candidate) throws {
        let file: SourceFile
        do throws(ArtifactError) {
            file = try SourceFile.open(candidate.path)
        } catch {
            return try report.failed(candidate.path, error)
        }
        var put = put(candidate.destination)
        put.label = label(candidate.path)
        do throws(ClientError) {
            requests[try client.send(.put(put), descriptor: file.descriptor.number)] = .put(candidate)
            unanswered += 1
        } catch {
            guard case .failure(let refusal) = error, refusal.code == .busy else { throw error }
            busy.add(candidate, refusal, now: System.monotonicNanoseconds())
        }
    }

    /// The absolute path: the way back to the file after a reboot.
    private func label(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let absolute = "\(currentDirectory)/\(path)"
        return absolute.utf8.count <= Put.maximumLabel ? absolute : path
    }

    // MARK: Answers

    private func ask(_ message: Message, _ request: Request) throws {
        requests[try client.send(message)] = request
    }

    private func list(_ ids: [JobID], after: Int64? = nil) -> Message {
        .listJobs(ListJobs(ids: ids, after: after, limit: ListJobs.maximumLimit))
    }

    /// Takes one answer, or waits until the time asks for something else.
    private func takeAnswer() throws {
        try showProgress()
        if let answer = try client.receive(timeout: .zero) { return try handle(answer) }
        try output.flush()
        if let answer = try client.receive(timeout: pause()) { try handle(answer) }
    }

    private func showProgress() throws {
        let now = System.monotonicNanoseconds()
        guard awaitsStored, now >= nextTick, let width = output.progressWidth else { return }
        nextTick = now + Self.tick
        try output.showBar(awaited.bar(now: now, isCounting: !walkEnded, width: width))
        if let ids = awaited.beginPoll() { try ask(list(ids), .poll) }
    }

    /// How long nothing needs to be done unless an answer comes; nil for without end.
    private func pause() -> Duration? {
        let now = System.monotonicNanoseconds()
        let hold = busy.timeLeft(now: now)
        guard awaitsStored, output.progressWidth != nil else { return hold }
        let tick = Duration.nanoseconds(nextTick > now ? nextTick - now : 0)
        return min(hold ?? tick, tick)
    }

    private func handle(_ answer: Client.Answer) throws {
        guard let request = requests.removeValue(forKey: answer.requestID) else { return }
        switch (request, answer.message) {
        case (.put(let candidate), let message):
            unanswered -= 1
            try handle(message, to: candidate)
        case (_, .error(let refusal)):
            throw ClientError.failure(refusal.error)
        case (.wait, _):
            try ask(list(awaited.currentBatch), .outcome)
        case (_, .jobs(let jobs)):
            for (job, record) in awaited.take(jobs.records) { try report.settled(job, record) }
            guard case .outcome = request else { return awaited.endPoll() }
            // Long records can be more than one frame holds.
            if let next = jobs.next { return try ask(list(awaited.currentBatch, after: next), .outcome) }
            for job in awaited.endBatch() {
                try report.failed(
                    job.path, ArtifactError(.notFound, "what became of the job \(job.accepted.id) is not known to the daemon"))
            }
        default:
            break
        }
    }

    private func handle(_ message: Message, to candidate: SourceWalk.Candidate) throws {
        switch message {
        case .accepted(let accepted):
            busy.noteProgress()
            handedOver += 1
            if awaitsStored {
                awaited.add(accepted, path: candidate.path)
            } else {
                try report.accepted(accepted, path: candidate.path)
            }
        case .error(let refusal) where ExitStatus(refusal.error.code) == .tryAgain:
            busy.add(candidate, refusal.error, now: System.monotonicNanoseconds())
        case .error(let refusal):
            try report.failed(candidate.path, refusal.error)
        default:
            break
        }
    }

    // MARK: Ending early

    /// Says what was not handed over. Walks through the rest to name or count it, and to find what can never be handed over; memory
    /// stays flat.
    private func giveUp() throws -> ExitStatus {
        guard let reason = busy.reason else { return .tryAgain }
        var count = 0
        let tell: (SourceWalk.Candidate) throws -> Void = { [output, report] candidate in
            do throws(ArtifactError) {
                _ = try SourceFile.open(candidate.path)
            } catch {
                return try report.failed(candidate.path, error)
            }
            count += 1
            if output.complainsInDocuments { try output.complain(reason, path: candidate.path) }
        }
        while let candidate = busy.takeFirst() { try tell(candidate) }
        while let step = walk.next() { try take(step, tell) }
        if count > 0, !output.complainsInDocuments {
            try output.note("\(Human.count(count, "file")) not handed over, try again later: \(reason)")
        }
        return try tellFailures() ? .failed : .tryAgain
    }

    /// Says how many files failed; returns whether any did.
    private func tellFailures() throws -> Bool {
        if report.failures > 0, !output.complainsInDocuments { try output.note("\(Human.count(report.failures, "file")) failed") }
        return report.failures > 0
    }

    /// Says that reports are lost, if they are; returns that.
    private func tellLoss() throws -> Bool {
        try output.flush()
        guard let loss = output.loss else { return false }
        try output.note("\(loss): reports are lost, \(Human.count(handedOver, "file")) handed over all the same")
        return true
    }

    /// When nothing more can be asked: tells what is known and what is not.
    private func tellWhatIsLeft(_ error: ClientError) throws {
        try output.showBar(nil)
        do {
            while let answer = try client.receive(timeout: .zero) {
                guard case .put(let candidate) = requests.removeValue(forKey: answer.requestID) else { continue }
                try handle(answer.message, to: candidate)
            }
        } catch is ClientError {
            // All that came before the connection ended has been told of; why it ended is `error`.
        }
        for job in awaited.jobs.values { try report.accepted(job.accepted, path: job.path) }
        if !awaited.jobs.isEmpty, !output.complainsInDocuments {
            let jobs = Human.count(awaited.jobs.count, "job")
            try output.note(
                "\(jobs) accepted, and not known to be stored yet: 'artifactctl wait' with their ids waits on")
        }
        for case .put(let candidate) in requests.values {
            try output.complain(
                error.code, "'\(candidate.path.escapedForLog)' was handed over and not acknowledged; hand it over again",
                path: candidate.path)
        }
    }
}
