import Glibc

/// What a service tells its manager and is told by it. Source: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3).
///
/// The environment is a parameter everywhere: read it once, in main.
public enum Systemd {
    /// Tells the manager of a change of state, with descriptors for its store where the state says `FDSTORE=1`.
    ///
    /// Blocks while the manager's queue is full.
    /// - Parameter state: lines of `NAME=value`, for instance `READY=1`.
    /// - Returns: false when nobody asked to be told (no `NOTIFY_SOCKET`).
    /// - Throws: EAFNOSUPPORT when `NOTIFY_SOCKET` is neither an absolute path nor an abstract name.
    @discardableResult
    public static func notify(
        _ state: String, descriptors: [Int32] = [], environment: [String: String]
    ) throws(SystemError) -> Bool {
        guard let name = environment["NOTIFY_SOCKET"], !name.isEmpty else { return false }
        let address: UnixAddress
        switch name.first {
        case "/": address = try UnixAddress(path: name)
        case "@": address = try UnixAddress(abstract: String(name.dropFirst()))
        default: throw SystemError(call: "connect", errno: EAFNOSUPPORT, detail: "NOTIFY_SOCKET=\(name)")
        }
        try Array(state.utf8).withUnsafeBufferPointer { buffer throws(SystemError) in
            try UnixSocket.sendDatagram(UnsafeRawBufferPointer(buffer), descriptors: descriptors, to: address)
        }
        return true
    }

    /// The descriptors that the manager passed when it started this process, with the names that the unit gave them.
    ///
    /// They are the caller's to close. They become close-on-exec. Empty when none were passed, or to another process.
    /// - Throws: EINVAL when the manager's variables contradict themselves; EBADF when a descriptor that it names is not open.
    public static func listenDescriptors(
        environment: [String: String], pid: Int32
    ) throws(SystemError) -> [(name: String, fd: Int32)] {
        let passed = try passedDescriptors(environment: environment, pid: pid)
        for (_, descriptor) in passed { try System.closeOnExec(descriptor) }
        return passed
    }

    /// How often the watchdog wants to hear `WATCHDOG=1`, in nanoseconds; nil when it is off. Half of it is a good pace.
    /// - Throws: EINVAL when `WATCHDOG_USEC` or `WATCHDOG_PID` is no number.
    public static func watchdogInterval(environment: [String: String], pid: Int32) throws(SystemError) -> UInt64? {
        guard let microseconds = try number("WATCHDOG_USEC", in: environment, as: UInt64.self) else { return nil }
        if let addressee = try number("WATCHDOG_PID", in: environment, as: Int32.self), addressee != pid { return nil }
        let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow, microseconds > 0 else { throw invalid("WATCHDOG_USEC", in: environment) }
        return nanoseconds
    }

    /// What the variables say, the descriptors untouched.
    static func passedDescriptors(
        environment: [String: String], pid: Int32
    ) throws(SystemError) -> [(name: String, fd: Int32)] {
        guard let addressee = try number("LISTEN_PID", in: environment, as: Int32.self), addressee == pid,
            let count = try number("LISTEN_FDS", in: environment, as: Int32.self)
        else { return [] }
        // SD_LISTEN_FDS_START.
        let first: Int32 = 3
        guard count >= 0, count <= Int32.max - first else { throw invalid("LISTEN_FDS", in: environment) }
        guard let list = environment["LISTEN_FDNAMES"] else { return (0..<count).map { ("unknown", first + $0) } }
        let names = list.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard names.count == Int(count) || (count == 0 && list.isEmpty) else {
            throw invalid("LISTEN_FDNAMES", in: environment)
        }
        return zip(names, first..<(first + count)).map { ($0, $1) }
    }

    private static func number<Number: FixedWidthInteger>(
        _ name: String, in environment: [String: String], as type: Number.Type
    ) throws(SystemError) -> Number? {
        guard let text = environment[name] else { return nil }
        guard let number = Number(text) else { throw invalid(name, in: environment) }
        return number
    }

    private static func invalid(_ name: String, in environment: [String: String]) -> SystemError {
        SystemError(call: "environment", errno: EINVAL, detail: "\(name)=\(environment[name] ?? "")")
    }
}
