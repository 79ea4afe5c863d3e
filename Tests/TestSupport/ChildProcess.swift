import Foundation
import Glibc
import Synchronization

/// A program that runs beside the tests until it is killed, at the latest with the test process, however that ends.
public final class ChildProcess: Sendable {
    /// What a program that ran to its end left behind.
    public struct Outcome: Sendable {
        /// The exit status, or the number of the signal that ended it.
        public var status: Int32
        /// Standard output and standard error together.
        public var output: String
    }

    /// The child's number; nil once it has ended. Until it is reaped, under this lock, nobody else can be given the number.
    private final class Life: Sendable {
        let pid: Mutex<pid_t?>
        let end = DispatchGroup()

        init(_ pid: pid_t) {
            self.pid = Mutex(pid)
            end.enter()
        }
    }

    private let life: Life

    /// Starts a program.
    /// - Parameter arguments: the program, looked for in `PATH`, and its arguments.
    /// - Parameter logPath: the file that takes standard output and standard error.
    public init(_ arguments: [String], logPath: String) throws {
        // The kernel sends the death signal when the *thread* that started the child ends, and a thread of a pool may end at any
        // time. So the child gets a thread of its own, which then waits for it.
        let started = Mutex<Result<Life, SupportError>?>(nil)
        let answered = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let life = Self.spawn(["setpriv", "--pdeathsig", "KILL"] + arguments, logPath: logPath).map(Life.init)
            started.withLock { $0 = life }
            answered.signal()
            if case .success(let life) = life { Self.reap(life) }
        }
        answered.wait()
        guard let outcome = started.withLock({ $0 }) else {
            throw SupportError("no answer from the thread that starts a program")
        }
        life = try outcome.get()
    }

    /// Runs a program to its end.
    /// - Parameter arguments: the program, looked for in `PATH`, and its arguments.
    /// - Parameter input: what it reads from standard input.
    public static func run(_ arguments: [String], input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let (source, sink) = (Pipe(), Pipe())
        process.standardInput = source
        process.standardOutput = sink
        process.standardError = sink
        try process.run()
        try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try source.fileHandleForWriting.close()
        let output = try sink.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }

    /// Whether the program has ended.
    public var hasEnded: Bool { life.pid.withLock { $0 == nil } }

    /// The program's number; nil once it has ended.
    public var pid: Int32? { life.pid.withLock { $0 } }

    /// Sends SIGKILL, unless the program has ended by itself, and waits for its end.
    public func kill() {
        life.pid.withLock { pid in
            if let pid { _ = Glibc.kill(pid, SIGKILL) }
        }
        life.end.wait()
    }

    deinit { kill() }

    private static func spawn(_ arguments: [String], logPath: String) -> Result<pid_t, SupportError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let words = arguments.map { strdup($0) }
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, arguments[0], &actions, nil, words + [nil], environ)
        guard error == 0 else {
            return .failure(SupportError("cannot start \(arguments[0]): \(String(cString: strerror(error)))"))
        }
        return .success(pid)
    }

    private static func reap(_ life: Life) {
        guard let pid = life.pid.withLock({ $0 }) else { return }
        var information = siginfo_t()
        while waitid(P_PID, UInt32(pid), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        life.pid.withLock { pid in
            if let ended = pid { waitpid(ended, nil, 0) }
            pid = nil
        }
        life.end.leave()
    }
}
