/// A misbehaviour on request, `OP:WHEN:WHAT`.
struct Fault: Sendable {
    /// Which of the requests that match are struck. They are counted from 1, a count for each fault.
    enum Occasion: Sendable {
        case range(ClosedRange<Int>)
        /// Each with this chance, drawn from its number alone: the same in every run.
        case chance(Double)

        func includes(_ count: Int) -> Bool {
            switch self {
            case .range(let range): range.contains(count)
            case .chance(let chance): Double(Self.scramble(UInt64(count)) >> 11) / Double(1 << 53) < chance
            }
        }

        /// SplitMix64: neighbouring numbers to unrelated ones.
        private static func scramble(_ number: UInt64) -> UInt64 {
            var z = number &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    /// What happens. Where nothing else is said the body is read, the request has no effect, and the connection lives on.
    enum Effect: Sendable {
        /// This answer instead of the right one.
        case answer(Response)
        /// 403 RequestTimeTooSkewed. With an offset the server's clock is taken to run so many seconds ahead, and a request dated
        /// by that clock passes; without one no date is good enough.
        case skew(offset: Int?)
        /// 307 to the same server under another name: the log shows whether a client followed.
        case redirect
        /// Nothing is read or answered for so long; then the request goes on as usual.
        case hang(milliseconds: UInt32)
        /// Half of the body is read, then the connection is reset.
        case reset
        /// The request takes effect, half of its answer is sent, and the connection ends.
        case cut
        /// The request takes effect, and the connection ends without an answer.
        case swallow
        /// Bytes that are no HTTP, and the connection ends.
        case garbage
        /// 200 and white space up to the end of the connection, as a proxy may leave of a CompleteMultipartUpload that broke off.
        case blank
    }

    /// nil for any.
    let operation: Operation?
    let occasion: Occasion
    let effect: Effect
    /// As it was written, for the log.
    let text: String

    init?(_ text: String) {
        let fields = text.split(separator: ":", maxSplits: 2).map(String.init)
        guard fields.count == 3, let occasion = Self.occasion(fields[1]), let effect = Self.effect(fields[2]) else { return nil }
        operation = Operation(rawValue: fields[0])
        guard operation != nil || fields[0] == "any" else { return nil }
        self.occasion = occasion
        self.effect = effect
        self.text = text
    }

    private static func occasion(_ text: String) -> Occasion? {
        if text.hasPrefix("p") {
            return Double(text.dropFirst()).flatMap { (0...1).contains($0) ? .chance($0) : nil }
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], 1 <= first, first <= last
        else { return nil }
        return .range(first...last)
    }

    private static func effect(_ text: String) -> Effect? {
        let halves = text.split(separator: "=", maxSplits: 1).map(String.init)
        let value = halves.count == 2 ? halves[1] : nil
        switch halves.first {
        case "503slow":
            guard value == nil || value.flatMap({ UInt32($0) }) != nil else { return nil }
            var slow = Response.error(503, "SlowDown", "Please reduce your request rate.")
            if let value { slow.headers.append(("Retry-After", value)) }
            return .answer(slow)
        case "skew":
            guard let value else { return .skew(offset: nil) }
            return Int(value).map { .skew(offset: $0) }
        case "hang": return value.flatMap { UInt32($0) }.map { .hang(milliseconds: $0) }
        case let name?: return value == nil ? effect(named: name) : nil
        case nil: return nil
        }
    }

    private static func effect(named name: String) -> Effect? {
        let internalError = Response.error(500, "InternalError", "We encountered an internal error. Please try again.")
        switch name {
        case "500": return .answer(internalError)
        case "denied": return .answer(.error(403, "AccessDenied", "Access Denied"))
        case "expired": return .answer(.error(403, "ExpiredToken", "The provided token has expired."))
        case "nosuchupload": return .answer(.noSuchUpload)
        case "200error":
            var response = internalError
            response.status = 200
            return .answer(response)
        case "redirect": return .redirect
        case "reset": return .reset
        case "cut": return .cut
        case "swallow": return .swallow
        case "garbage": return .garbage
        case "200cut": return .blank
        default: return nil
        }
    }
}
