import LinuxSystem
import Synchronization
import WorkerPool

/// Wakes the registrar. Shared with the dispatcher, which rings when a job has ended that a manifest may be waiting for.
final class RegistryBell: Sendable {
    private struct State {
        var isRung = true
        var isStopping = false
    }

    private let monitor = Monitor(State())
    private let awaitsJobs = Atomic(false)

    /// Says that something may be to do.
    func ring() {
        monitor.withLock { $0.isRung = true }
        monitor.signal()
    }

    /// A job has ended. Costs next to nothing while nobody waits for that.
    func jobEnded() {
        if awaitsJobs.load(ordering: .acquiring) { ring() }
    }

    /// Whether ends of jobs are to be told from now on.
    func awaitJobs(_ isAwaiting: Bool) { awaitsJobs.store(isAwaiting, ordering: .releasing) }

    /// Waits until the bell is rung, or until a deadline; not less long than until `earliest`. Both in monotonic nanoseconds.
    /// - Returns: false when the daemon stops.
    func wait(earliest: UInt64, deadline: UInt64?) -> Bool {
        monitor.waitTimed { (state) -> Turn<Bool> in
            if state.isStopping { return .done(false) }
            let now = System.monotonicNanoseconds()
            if now < earliest { return .wait(until: earliest) }
            if state.isRung || now >= deadline ?? .max {
                state.isRung = false
                return .done(true)
            }
            return .wait(until: deadline)
        }
    }

    var isStopping: Bool { monitor.withLock { $0.isStopping } }

    func stop() {
        monitor.withLock { $0.isStopping = true }
        monitor.broadcast()
    }
}
