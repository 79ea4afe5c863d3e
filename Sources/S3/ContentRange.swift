/// Which bytes of an object an answer holds, by its `Content-Range` header (RFC 9110, section 14.4).
struct ContentRange: Equatable {
    /// The bytes, at least one.
    let bytes: Range<UInt64>
    /// The size of the whole object.
    let size: UInt64

    /// - Returns: nil for anything but one range of bytes within a known size.
    init?(_ header: String) {
        let words = header.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let halves = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let size = UInt64(halves[1]) else { return nil }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = UInt64(ends[0]), let last = UInt64(ends[1]), first <= last, last < size else {
            return nil
        }
        bytes = first..<last + 1
        self.size = size
    }
}
