import LinuxSystem
import TestSupport
import WorkerPool

/// Holds threads up until a test lets them go, and tells the test how many have come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
    }

    private let state = Monitor(State())

    /// Waits here until the gate is open.
    func pass() {
        state.withLock { $0.arrived += 1 }
        state.broadcast()
        state.wait { $0.isOpen ? () : nil }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        state.broadcast()
    }

    /// Waits until so many threads have come.
    func waitForArrivals(_ count: Int = 1) throws {
        let deadline = System.monotonicNanoseconds() + 60_000_000_000
        let came = state.waitTimed { (state) -> Turn<Bool> in
            if state.arrived >= count { return .done(true) }
            return System.monotonicNanoseconds() >= deadline ? .done(false) : .wait(until: deadline)
        }
        if !came { throw SupportError("nobody came to the gate") }
    }
}

/// One value that another thread brings.
final class Promise<Value: Sendable>: Sendable {
    private let value = Monitor<[Value]>([])

    func keep(_ value: Value) {
        self.value.withLock { $0.append(value) }
        self.value.broadcast()
    }

    /// How often it was kept: once is right.
    var count: Int { value.withLock { $0.count } }

    /// - Throws: when nobody brings it within a minute.
    func wait() throws -> Value {
        let deadline = System.monotonicNanoseconds() + 60_000_000_000
        let found = value.waitTimed { (values) -> Turn<Value?> in
            if let first = values.first { return .done(first) }
            return System.monotonicNanoseconds() >= deadline ? .done(nil) : .wait(until: deadline)
        }
        guard let found else { throw SupportError("an answer that never came") }
        return found
    }
}
