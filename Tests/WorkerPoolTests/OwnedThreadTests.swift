import Glibc
import LinuxSystem
import Testing
import WorkerPool

@Suite struct OwnedThreadTests {
    /// The thread has its name, as far as the kernel keeps it.
    @Test func hasItsName() throws {
        #expect(try ofThread(named: "uploader", "comm") == "uploader\n")
        #expect(try ofThread(named: "a-name-that-is-too-long", "comm") == "a-name-that-is-\n")
        // Cut within a character, the name's bytes are kept as they come.
        #expect(try ofThread(named: "fourteen-bytesé", "comm").utf8.prefix(14).elementsEqual("fourteen-bytes".utf8))
    }

    /// Signals to the process are blocked in the thread; those that a fault raises are not.
    @Test func blocksSignals() throws {
        let status = try ofThread(named: "blocked", "status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") })
        let mask = try #require(UInt64(line.dropFirst("SigBlk:".count).drop { $0 == "\t" }, radix: 16))
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE, SIGALRM] {
            #expect(mask & (1 << UInt64(signal - 1)) != 0)
        }
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT] {
            #expect(mask & (1 << UInt64(signal - 1)) == 0)
        }
    }

    /// The thread that makes another keeps its own mask.
    @Test func leavesTheMakersMask() throws {
        var before = sigset_t()
        var after = sigset_t()
        pthread_sigmask(SIG_SETMASK, nil, &before)
        let thread = try OwnedThread(name: "other") {}
        pthread_sigmask(SIG_SETMASK, nil, &after)
        thread.join()
        for signal in 1...31 { #expect(sigismember(&before, Int32(signal)) == sigismember(&after, Int32(signal))) }
    }

    /// A stack that is too small is an error, not a crash later.
    @Test func refusesTinyStacks() {
        #expect(throws: SystemError(call: "pthread_attr_setstacksize", errno: EINVAL)) {
            try OwnedThread(name: "tiny", stackSize: 1) {}
        }
    }

    /// Every worker runs once, with an index of its own, and join waits for all.
    @Test func workersRunOnceEach() throws {
        let indices = Monitor<[Int]>([])
        let workers = try WorkerThreads(count: 8, name: "worker") { index in indices.withLock { $0.append(index) } }
        workers.join()
        #expect(indices.withLock { $0.sorted() } == Array(0..<8))
    }

    /// When not all can be started, none runs the body, and those that were started are gone.
    @Test func workersStartTogetherOrNotAtAll() {
        let ran = Monitor(false)
        #expect(throws: SystemError.self) {
            _ = try WorkerThreads(count: 3, name: "none", stackSize: 1) { _ in ran.withLock { $0 = true } }
        }
        #expect(!ran.withLock { $0 })
    }

    /// What the thread itself reads of its own entry in /proc.
    private func ofThread(named name: String, _ file: String) throws -> String {
        let content = Monitor("")
        let thread = try OwnedThread(name: name) {
            let text = Result { try read("/proc/thread-self/\(file)") }
            content.withLock {
                switch text {
                case .success(let text): $0 = text
                case .failure(let error): $0 = "\(error)"
                }
            }
        }
        thread.join()
        return content.withLock { $0 }
    }
}

private func read(_ path: String) throws -> String {
    let file = try System.open(path, O_RDONLY)
    var bytes = [UInt8](repeating: 0, count: 8_192)
    let count = try bytes.withUnsafeMutableBytes { try System.read(file.number, into: $0, at: 0) }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}
