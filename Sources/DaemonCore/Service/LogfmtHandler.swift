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
    private let withTime: Bool

    public init(label: String, level: Logger.Level, withTime: Bool) {
        self.label = label
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
        if label != "artifactd" { line += " from=\(Self.quoted(label))" }
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

/// Points in time as people read them.
enum Timestamp {
    /// `2026-01-31T23:59:59.123Z`, from Unix milliseconds (the algorithm of Howard Hinnant's `civil_from_days`).
    static func iso8601(milliseconds: Int64) -> String {
        let day = (milliseconds - (milliseconds >= 0 ? 0 : 86_399_999)) / 86_400_000
        let inDay = milliseconds - day * 86_400_000
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T\(padded(inDay / 3_600_000, 2)):"
            + "\(padded(inDay / 60_000 % 60, 2)):\(padded(inDay / 1000 % 60, 2)).\(padded(inDay % 1000, 3))Z"
    }
}
