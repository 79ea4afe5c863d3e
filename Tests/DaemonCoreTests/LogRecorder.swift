import LinuxSystem
import Logging
import Synchronization
import TestSupport
import WorkerPool

/// Keeps what is logged, and lets tests wait for it: the log is how the daemon says that it has done something on its own.
final class LogRecorder: Sendable {
    private let lines = Monitor<[String]>([])
    private let hook = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Everything logged so far, as `message key=value`.
    var all: [String] { lines.withLock { $0 } }

    /// A logger that writes here.
    var logger: Logger {
        Logger(label: "test") { _ in Handler(recorder: self) }
    }

    /// Waits until the condition holds; asks again after each line that is logged.
    /// - Throws: when it does not hold within a minute.
    func wait(_ what: String, until condition: () throws -> Bool) throws {
        let deadline = System.monotonicNanoseconds() + 60_000_000_000
        while true {
            let seen = lines.withLock { $0.count }
            if try condition() { return }
            let isLate = lines.waitTimed { (lines) -> Turn<Bool> in
                if lines.count != seen { return .done(false) }
                return System.monotonicNanoseconds() >= deadline ? .done(true) : .wait(until: deadline)
            }
            if isLate { throw SupportError("in vain: \(what); logged: \(all.suffix(20))") }
        }
    }

    /// Calls `hook` with each line that is logged, on the thread that logs it.
    func setHook(_ hook: @escaping @Sendable (String) -> Void) { self.hook.withLock { $0 = hook } }

    private func add(_ line: String) {
        hook.withLock { $0 }?(line)
        lines.withLock { $0.append(line) }
        lines.broadcast()
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { " \($0.key)=\($0.value)" }.sorted().joined()
            recorder.add("\(event.message)\(fields)")
        }
    }
}
