import ArtifactClient
import ArtifactModel
import ArtifactWire

/// The daemon's status for those who do not wait long. One question is under way at a time, however many ask while a daemon that
/// hangs leaves it open: nothing piles up.
actor StatusQuestion {
    private let daemon: DaemonPool
    private var underWay: Task<String, any Error>?

    init(to daemon: DaemonPool) { self.daemon = daemon }

    /// The status document.
    /// - Throws: `ClientError`, of code `timeout` where the daemon does not answer in time.
    func answer(within limit: Duration) async throws -> String {
        let question = question()
        let (answers, answer) = AsyncThrowingStream.makeStream(of: String.self)
        // Neither is waited for: a question to the daemon cannot be taken back.
        Task {
            do {
                answer.yield(try await question.value)
                answer.finish()
            } catch {
                answer.finish(throwing: error)
            }
        }
        let clock = Task {
            try await Task.sleep(for: limit)
            answer.finish(
                throwing: ClientError.failure(
                    ArtifactError(.timeout, "artifactd does not answer within \(limit.components.seconds) s")))
        }
        defer { clock.cancel() }
        for try await status in answers { return status }
        throw CancellationError()
    }

    private func question() -> Task<String, any Error> {
        if let underWay { return underWay }
        let question = Task { [daemon] in
            defer { underWay = nil }
            guard case .statusReport(let report) = try await daemon.ask(.status, for: nil) else { throw ClientError.confused }
            return report.json
        }
        underWay = question
        return question
    }
}
