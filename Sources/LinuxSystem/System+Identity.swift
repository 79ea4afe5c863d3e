import Glibc

/// Who and where this process is.
extension System {
    /// The effective user.
    public static func effectiveUserID() -> UInt32 { geteuid() }

    /// This process's number.
    public static func processID() -> Int32 { getpid() }

    /// The current directory's absolute path.
    public static func currentDirectory() throws(SystemError) -> String {
        guard let path = getcwd(nil, 0) else { throw SystemError(call: "getcwd", errno: errno) }
        defer { free(path) }
        return String(cString: path)
    }

    /// The number of a user by name, or by its number in digits; nil when there is none.
    public static func userID(named name: String) -> UInt32? {
        if let number = UInt32(name) { return number }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65_536) { buffer in
            guard let memory = buffer.baseAddress else { return nil }
            return getpwnam_r(name, &entry, memory, buffer.count, &found) == 0 && found != nil ? entry.pw_uid : nil
        }
    }

    /// The number of a group by name, or by its number in digits; nil when there is none.
    public static func groupID(named name: String) -> UInt32? {
        if let number = UInt32(name) { return number }
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65_536) { buffer in
            guard let memory = buffer.baseAddress else { return nil }
            return getgrnam_r(name, &entry, memory, buffer.count, &found) == 0 && found != nil ? entry.gr_gid : nil
        }
    }

    /// How many processors this process may run on; at least 1.
    public static func processorCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Writes a text to standard error in one call. Where nobody reads standard error there is nobody to be told.
    public static func writeToStandardError(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }

    /// What the kernel calls an open file: its path, or the like of `/memfd:name (deleted)`.
    public static func path(of descriptor: Int32) throws(SystemError) -> String {
        let link = "/proc/self/fd/\(descriptor)"
        var name = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try retrying("readlink", link) { readlink(link, &name, name.count) }
        return String(decoding: name[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The process's environment; of a variable that is set twice the first counts, as for `getenv`.
    public static func environment() -> [String: String] {
        var values: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if values[name] == nil { values[name] = String(text[text.index(after: equals)...]) }
            }
            next += 1
        }
        return values
    }

    /// Makes sure that a crash writes no core file: it would hold secrets.
    public static func disableCoreFiles() throws(SystemError) {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = try retrying("setrlimit(RLIMIT_CORE)") { setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) }
    }
}
