import CCurl
import Glibc

/// How S3 writes moments in its answers.
enum AnswerTime {
    /// Unix seconds of an HTTP date (RFC 9110, section 5.6.7); nil when it is none.
    static func unixSeconds(httpDate: String) -> Int? {
        let seconds = curl_getdate(httpDate, nil)
        return seconds < 0 ? nil : seconds
    }

    /// Unix milliseconds of `2026-01-31T23:59:59[.123]Z`; nil when the text is not so.
    static func unixMilliseconds(iso8601 text: String) -> Int64? {
        guard text.last == "Z" else { return nil }
        let halves = text.dropLast().split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let seconds = halves[1].split(separator: ".", omittingEmptySubsequences: false)
        let numbers = (halves[0].split(separator: "-") + seconds[0].split(separator: ":")).map { Int32($0) ?? -1 }
        guard numbers.count == 6, numbers.allSatisfy({ $0 >= 0 }), seconds.count <= 2 else { return nil }
        let fraction = seconds.count == 2 ? Int64("\(seconds[1])000".prefix(3)) : 0
        guard let fraction, fraction >= 0 else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
        return Int64(timegm(&parts)) * 1000 + fraction
    }
}
