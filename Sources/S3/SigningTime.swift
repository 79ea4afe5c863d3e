import Glibc

/// A moment as Signature Version 4 writes it, in UTC.
struct SigningTime: Equatable, Sendable {
    /// `YYYYMMDD`, the date of the credential's scope.
    let date: String
    /// `YYYYMMDD'T'HHMMSS'Z'`, the value of `x-amz-date`.
    let stamp: String

    /// - Parameter unixSeconds: seconds since the Unix epoch.
    init(unixSeconds: Int) {
        var seconds = unixSeconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        date = Self.digits(parts.tm_year + 1900, 4) + Self.digits(parts.tm_mon + 1, 2) + Self.digits(parts.tm_mday, 2)
        stamp = "\(date)T" + Self.digits(parts.tm_hour, 2) + Self.digits(parts.tm_min, 2) + Self.digits(parts.tm_sec, 2) + "Z"
    }

    private static func digits(_ number: Int32, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
