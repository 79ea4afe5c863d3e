import Glibc
public import LinuxSystem
import Synchronization

/// A thread of this program's own, for work that blocks. Swift's pool has one thread a core and stalls when they block.
///
/// Signals that are sent to the process never interrupt it: they go to the main thread.
public final class OwnedThread: Sendable {
    /// 512 KiB: curl with TLS, SQLite and the codecs keep their large state on the heap and stay far below. glibc's default of
    /// 8 MiB would make sixty threads look like half a gigabyte to a limit on address space.
    public static let defaultStackSize = 512 << 10

    private let thread: pthread_t
    private let joined = Atomic(false)

    /// Starts a thread.
    /// - Parameter name: shown by `top -H` and debuggers; the kernel keeps its first 15 bytes.
    /// - Parameter stackSize: in bytes, a multiple of the page.
    /// - Throws: EAGAIN when the process or the user may have no more threads; EINVAL for a stack that is too small.
    public init(
        name: String, stackSize: Int = defaultStackSize, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var attributes = pthread_attr_t()
        try Self.check("pthread_attr_init", pthread_attr_init(&attributes))
        defer { pthread_attr_destroy(&attributes) }
        try Self.check("pthread_attr_setstacksize", pthread_attr_setstacksize(&attributes, stackSize))

        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        // A thread inherits the mask of the one that makes it: set before, there is no moment without it.
        var callers = sigset_t()
        var blocked = Self.blockedSignals()
        pthread_sigmask(SIG_SETMASK, &blocked, &callers)
        let code = pthread_create(&thread, &attributes, { Start.run($0) }, start.toOpaque())
        pthread_sigmask(SIG_SETMASK, &callers, nil)
        if code != 0 { start.release() }
        try Self.check("pthread_create", code)
        self.thread = thread
    }

    /// Waits until the body has returned. Exactly once, and never from the thread itself.
    public func join() {
        precondition(!joined.exchange(true, ordering: .relaxed), "a thread is joined once")
        let code = pthread_join(thread, nil)
        precondition(code == 0, "a thread cannot be joined (error \(code))")
    }

    deinit {
        precondition(joined.load(ordering: .relaxed), "a thread was dropped without a join")
    }

    private static func check(_ call: String, _ code: Int32) throws(SystemError) {
        if code != 0 { throw SystemError(call: call, errno: code) }
    }

    /// All but those that a fault in the thread itself raises: blocked, these would end the process without a trace.
    private static func blockedSignals() -> sigset_t {
        var set = sigset_t()
        sigfillset(&set)
        for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&set, fault) }
        return set
    }

    /// What the new thread is given.
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
            guard let context else { return nil }
            let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
            System.nameThread(start.name)
            start.body()
            return nil
        }
    }
}
