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
}
