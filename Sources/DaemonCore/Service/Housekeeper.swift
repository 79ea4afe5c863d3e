import ArtifactModel
import Journal
import LinuxSystem
import Logging

/// What is done by the clock: waits that are over, the journal's old rows, memory that nobody needs, the watchdog.
struct Housekeeper: Sendable {
    private static let second: UInt64 = 1_000_000_000
    private static let purgeInterval: UInt64 = 60 * second

    let configuration: Configuration
    let journal: Journal
    let dispatcher: Dispatcher
    let commits: CommitWaiters
    let stop: StopSignal
    let environment: [String: String]
    /// How often the watchdog wants to hear from us, in nanoseconds; nil when it is off.
    let watchdog: UInt64?
    let log: Logger

    /// Runs until the daemon stops.
    func run() {
        var nextPurge: UInt64 = 0
        var nextSign: UInt64 = 0
        var pause: UInt64 = 0
        var condition = JournalCondition.ok
        while !stop.wait(nanoseconds: pause) {
            let now = System.monotonicNanoseconds()
            let deadline = [dispatcher.expire(now: now), commits.expire(now: now)].compactMap { $0 }.min()
            dispatcher.trimWhenIdle()
            report(journal.condition, after: &condition)
            if now >= nextPurge {
                purge()
                nextPurge = now + Self.purgeInterval
            }
            if let watchdog, now >= nextSign {
                // The sign of life goes through the dispatcher's lock, above, and through the journal: a hang in either ends it.
                signOfLife()
                nextSign = now + watchdog / 2
            }
            let untilDeadline = deadline.map { $0 > now ? $0 - now : 0 } ?? Self.second
            pause = min(max(untilDeadline, 1_000_000), watchdog.map { min($0 / 4, Self.second / 4) } ?? Self.second / 4)
        }
    }

    /// Logs that hand-overs are no longer taken, or taken again.
    private func report(_ condition: JournalCondition, after last: inout JournalCondition) {
        guard condition != last else { return }
        last = condition
        if condition == .ok { return log.notice("the journal takes hand-overs again") }
        log.critical("the journal takes no hand-overs", metadata: ["journal": "\(condition.text)"])
    }

    private func purge() {
        do throws(ArtifactError) {
            let forgotten = try journal.purge(
                finishedBefore: System.wallMilliseconds() - configuration.retention, keepAtMost: configuration.retentionJobs)
            if forgotten > 0 {
                dispatcher.recount(try journal.counts())
                log.debug("ended jobs were forgotten", metadata: ["jobs": "\(forgotten)"])
            }
        } catch {
            log.warning("ended jobs could not be forgotten", metadata: ["error": "\(error)"])
        }
    }

    private func signOfLife() {
        do {
            _ = try journal.recall(endpoint: "")
            try Systemd.notify("WATCHDOG=1", environment: environment)
        } catch {
            log.error("no sign of life could be given", metadata: ["error": "\(error)"])
        }
    }
}
