/// A `Range` of one object (RFC 9110, section 14).
enum ByteRange: Sendable, Equatable {
    /// All of it: no range is asked for, or one that may be ignored.
    case whole
    /// These bytes.
    case part(Range<UInt64>)
    /// None of the bytes that there are.
    case unsatisfiable

    /// What a header asks of so many bytes. Several ranges, other units and nonsense are answered with the whole, as the RFC allows.
    init(_ header: String?, size: UInt64) {
        self = .whole
        guard let header, header.lowercased().hasPrefix("bytes=") else { return }
        let halves = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        guard halves.count == 2, halves.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return }
        // Beyond 2^64 is beyond any end.
        let numbers = halves.map { $0.isEmpty ? nil : UInt64($0) ?? .max }
        switch (numbers[0], numbers[1]) {
        case (let first?, let last?):
            guard first <= last else { return }
            self = first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
        case (let first?, nil): self = first < size ? .part(first..<size) : .unsatisfiable
        case (nil, let count?):
            self = count > 0 && size > 0 ? .part((size - min(count, size))..<size) : .unsatisfiable
        case (nil, nil): return
        }
    }
}
