public import LinuxSystem

/// Some threads that run the same body.
public final class WorkerThreads: Sendable {
    /// How those that are started wait until all are.
    private enum Gate {
        case closed
        case open
        case abandoned
    }

    private let threads: [OwnedThread]

    /// Starts the threads; the body gets the thread's index, from 0. None runs the body unless all could be started.
    /// - Parameter name: of each thread, with its index behind it; 15 bytes altogether.
    /// - Throws: EAGAIN when the process or the user may have no more threads.
    public init(
        count: Int, name: String, stackSize: Int = OwnedThread.defaultStackSize, _ body: @escaping @Sendable (Int) -> Void
    ) throws(SystemError) {
        let gate = Monitor(Gate.closed)
        var threads: [OwnedThread] = []
        do throws(SystemError) {
            for index in 0..<count {
                threads.append(
                    try OwnedThread(name: "\(name)-\(index)", stackSize: stackSize) {
                        let runs = gate.wait { $0 == .closed ? nil : $0 == .open }
                        if runs { body(index) }
                    })
            }
        } catch {
            Self.set(gate, to: .abandoned)
            for thread in threads { thread.join() }
            throw error
        }
        self.threads = threads
        Self.set(gate, to: .open)
    }

    /// Waits until every body has returned. Exactly once; make the bodies return first.
    public func join() {
        for thread in threads { thread.join() }
    }

    private static func set(_ gate: Monitor<Gate>, to state: Gate) {
        gate.withLock { $0 = state }
        gate.broadcast()
    }
}
