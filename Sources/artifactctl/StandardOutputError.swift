import LinuxSystem

/// Standard output cannot be written: what was to be said there is lost.
struct StandardOutputError: Error, CustomStringConvertible {
    let cause: SystemError

    var description: String { "standard output cannot be written (\(cause))" }
}
