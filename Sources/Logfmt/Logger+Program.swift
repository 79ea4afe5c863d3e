public import Logging

extension Logger {
    /// Lets all loggers of this process write as `LogfmtHandler` does, and returns the program's own. To be called once, before any
    /// other is made.
    /// - Parameter environment: the process's; `JOURNAL_STREAM` in it says that journald writes the time of each line itself.
    public static func bootstrap(program: String, level: Logger.Level, environment: [String: String]) -> Logger {
        let withTime = environment["JOURNAL_STREAM"] == nil
        LoggingSystem.bootstrap { LogfmtHandler(label: $0, program: program, level: level, withTime: withTime) }
        return Logger(label: program)
    }

    /// The same log, for a library that would say more than anybody wants to know: what is below the level is dropped.
    public func quiet(below level: Logger.Level) -> Logger {
        var quiet = self
        quiet.logLevel = max(logLevel, level)
        return quiet
    }
}
