import Glibc

/// Figures as people read them.
enum Human {
    /// A size in binary units: `512 B`, `1.5 KiB`, `64 MiB`.
    static func size(_ bytes: UInt64) -> String {
        if bytes < 1024 { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = -1
        // What would round up to 1024 belongs to the next unit.
        while value >= 1023.5, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(decimal(value)) \(units[unit])"
    }

    /// A rate in binary units a second.
    static func rate(_ bytesPerSecond: Double) -> String { size(UInt64(max(0, min(bytesPerSecond, 1e18)))) + "/s" }

    /// A span of time, its two leading units: `42s`, `3m07s`, `5h04m`, `12d03h`.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(max(0, min(seconds, 1e12)).rounded())
        let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86400)
        return switch whole {
        case ..<60: "\(whole)s"
        case ..<3600: "\(minutes)m\(twoDigits(whole % 60))s"
        case ..<86400: "\(hours)h\(twoDigits(minutes % 60))m"
        default: "\(days)d\(twoDigits(hours % 24))h"
        }
    }

    /// A short span of time as it was configured or measured, its leading unit: `250 µs`, `2.5 ms`, `30 s`; from a minute on as
    /// `duration`.
    static func span(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.000_999_5: "\(decimal(seconds * 1e6)) µs"
        case ..<0.999_5: "\(decimal(seconds * 1e3)) ms"
        case ..<60: "\(decimal(seconds)) s"
        default: duration(seconds)
        }
    }

    /// A moment in UTC (ISO 8601, to the second), from Unix milliseconds.
    static func moment(_ unixMilliseconds: Int64) -> String {
        // Flooring, so that a moment before 1970 is not put a second too late.
        var seconds = time_t(unixMilliseconds >= 0 ? unixMilliseconds / 1000 : (unixMilliseconds - 999) / 1000)
        var fields = tm()
        guard gmtime_r(&seconds, &fields) != nil else { return "\(unixMilliseconds) ms" }
        let date = "\(fields.tm_year + 1900)-\(twoDigits(Int(fields.tm_mon) + 1))-\(twoDigits(Int(fields.tm_mday)))"
        return "\(date)T\(twoDigits(Int(fields.tm_hour))):\(twoDigits(Int(fields.tm_min))):\(twoDigits(Int(fields.tm_sec)))Z"
    }

    /// A number of things: `1 job`, `2 jobs`.
    static func count(_ number: some BinaryInteger, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    /// How long ago a moment was. One in the future, by a clock that was set, is now.
    static func age(of unixMilliseconds: Int64, now: Int64) -> String { duration(Double(now - unixMilliseconds) / 1000) }

    /// A bar of the given inner width: `[=====>    ]`.
    static func bar(_ fraction: Double, width: Int) -> String {
        let filled = min(width, max(0, Int((fraction * Double(width)).rounded(.down))))
        let head = filled > 0 && filled < width ? ">" : ""
        let body = String(repeating: "=", count: filled - head.count) + head
        return "[\(body)\(String(repeating: " ", count: width - filled))]"
    }

    /// Whole per cent, 100 only for all of it. Nothing to do counts as done.
    static func percent(_ done: UInt64, of total: UInt64) -> String { "\(Int(fraction(done, of: total) * 100))%" }

    /// The part that is done, from 0 to 1. Nothing to do counts as done.
    static func fraction(_ done: UInt64, of total: UInt64) -> Double {
        total == 0 ? 1 : min(1, Double(done) / Double(total))
    }

    /// Tags as fields, by rising key.
    static func tags(_ tags: [String: String]) -> [(String, String)] {
        tags.sorted { $0.key < $1.key }.map { ("tag", "\($0.key)=\($0.value)") }
    }

    /// A URI that the store may not have confirmed yet.
    static func place(_ uri: String, isProvisional: Bool) -> String {
        isProvisional ? "\(uri)  (provisional: the store has not confirmed it yet)" : uri
    }

    private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// One decimal below ten, none above.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\(Int(value.rounded()))"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension String {
    /// The text, filled up with spaces on the right.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    /// The text, filled up with spaces on the left.
    func padded(left width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
