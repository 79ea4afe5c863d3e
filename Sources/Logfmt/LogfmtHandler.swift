public import Logging
import ArtifactModel
import LinuxSystem

/// Writes a log record as one line of `key=value` pairs to standard error, which journald and people both read.
///
/// `ts` is left to journald where it listens (`$JOURNAL_STREAM`). Values are quoted where they need it and control characters
/// escaped: what a client calls its file cannot forge a line.
public struct LogfmtHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    private let label: String
    private let program: String
    private let withTime: Bool

    /// - Parameter program: whose log it is: what other labels say stands in `from`.
    public init(label: String, program: String, level: Logger.Level, withTime: Bool) {
        self.label = label
        self.program = program
        self.logLevel = level
        self.withTime = withTime
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = withTime ? "ts=\(Timestamp.iso8601(milliseconds: System.wallMilliseconds())) " : ""
        line += "level=\(event.level.rawValue) msg=\(Self.quoted(event.message.description))"
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted(value.description))" }
        if label != program { line += " from=\(Self.quoted(label))" }
        line += "\n"
        System.writeToStandardError(line)
    }

    static func quoted(_ text: String) -> String {
        let escaped = text.escapedForLog
        let plain =
            !escaped.isEmpty && escaped.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return plain ? escaped : "\"\(escaped.replacing("\"", with: "\\\""))\""
    }
}
