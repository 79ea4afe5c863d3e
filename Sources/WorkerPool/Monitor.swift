import Glibc

/// What a turn with a deadline decides; see `Monitor.waitTimed`.
public enum Turn<Result> {
    /// The wait is over, with this result.
    case done(Result)
    /// Not yet: take the turn again after a signal, or at the deadline (`System.monotonicNanoseconds`) where there is one.
    case wait(until: UInt64?)
}

/// State that threads share under one lock, and wait on until it is as they need it.
///
/// The one lock-and-condition type of the program. A wait is a closure that is called again after each signal, instead of a loop
/// around a wait: so no thread holds access to the state while another one changes it. Never wait for anything else, and never
/// call out to foreign code, while holding the lock; it is not recursive.
public final class Monitor<State>: @unchecked Sendable {
    // Unchecked: `state` is touched only while `mutex` is held, and came in as `sending`.
    private nonisolated(unsafe) var state: State
    // On the heap: their addresses must never change.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// Puts the state under a lock.
    public init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        Self.must(pthread_mutex_init(mutex, nil))
        // Deadlines are by a clock that nobody sets.
        var attributes = pthread_condattr_t()
        Self.must(pthread_condattr_init(&attributes))
        Self.must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC))
        Self.must(pthread_cond_init(condition, &attributes))
        Self.must(pthread_condattr_destroy(&attributes))
    }

    deinit {
        Self.must(pthread_cond_destroy(condition))
        Self.must(pthread_mutex_destroy(mutex))
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs the body while no other thread can touch the state.
    public func withLock<Result, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        Self.must(pthread_mutex_lock(mutex))
        defer { Self.must(pthread_mutex_unlock(mutex)) }
        return try body(&state)
    }

    /// Takes turns under the lock until one has a result; nil waits, without the lock, for a signal. A turn may come without
    /// cause.
    public func wait<Result, Failure: Error>(
        _ turn: (inout sending State) throws(Failure) -> sending Result?
    ) throws(Failure) -> sending Result {
        Self.must(pthread_mutex_lock(mutex))
        defer { Self.must(pthread_mutex_unlock(mutex)) }
        while true {
            if let result = try turn(&state) { return result }
            pause(until: nil)
        }
    }

    /// The same with deadlines, which each turn chooses anew.
    public func waitTimed<Result, Failure: Error>(
        _ turn: (inout sending State) throws(Failure) -> sending Turn<Result>
    ) throws(Failure) -> sending Result {
        Self.must(pthread_mutex_lock(mutex))
        defer { Self.must(pthread_mutex_unlock(mutex)) }
        while true {
            switch try turn(&state) {
            case .done(let result): return result
            case .wait(let deadline): pause(until: deadline)
            }
        }
    }

    /// Gives one waiting thread a turn.
    public func signal() {
        Self.must(pthread_cond_signal(condition))
    }

    /// Gives every waiting thread a turn.
    public func broadcast() {
        Self.must(pthread_cond_broadcast(condition))
    }

    private func pause(until deadline: UInt64?) {
        guard let deadline else { return Self.must(pthread_cond_wait(condition, mutex)) }
        var time = timespec(
            tv_sec: Int(clamping: deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        let code = pthread_cond_timedwait(condition, mutex, &time)
        if code != ETIMEDOUT { Self.must(code) }
    }

    /// These calls fail only when they are misused, and then nothing that the lock protects can be trusted.
    private static func must(_ code: Int32) {
        precondition(code == 0, "a monitor's lock was misused (error \(code))")
    }
}
