import Glibc

/// Reads a form of `multipart/form-data` (RFC 7578, RFC 2046) as it arrives, in pieces of any size, and never holds more of it than
/// one part's header.
///
/// Hand each chunk to `next` until that returns nil, then the next chunk; at the end of the bytes call `finish`:
///
///     var offset = 0
///     while let event = try parser.next(in: chunk.span, at: &offset) { … }
///
/// Lines end with CR LF, as the RFCs say; nothing else is taken for one. After an error the parser is of no use.
public struct FormParser: Sendable {
    /// What a form is made of, in this order: `part`, any number of `data` and `withheld`, `partEnd`, again; at last `end`.
    public enum Event: Sendable, Equatable {
        /// A part begins.
        case part(FormPart)
        /// Bytes of the part: these of the chunk.
        case data(Range<Int>)
        /// Bytes of the part that ended earlier chunks, and were no boundary in the end: these of `delimiter`.
        case withheld(Range<Int>)
        /// The part is complete.
        case partEnd
        /// The form is complete. What comes behind it says nothing.
        case end
    }

    /// Legal transitions: preamble → boundaryLine → header → body → boundaryLine; boundaryLine → epilogue.
    private enum State {
        /// Before the first boundary.
        case preamble
        /// Behind a boundary, on its line.
        case boundaryLine(BoundaryLine)
        /// In the header of a part.
        case header
        /// In the bytes of a part.
        case body
        /// Behind the last boundary.
        case epilogue
    }

    /// What has been seen behind a boundary.
    private enum BoundaryLine {
        case nothing, hyphen, space, carriageReturn
    }

    /// What separates the parts; `Event.withheld` means bytes of this.
    public let delimiter: [UInt8]
    private let limits: FormLimits
    private var state = State.preamble
    private var header: [UInt8] = []
    private var parts = 0
    /// How many bytes of the delimiter have been seen in a row, right before the offset.
    private var matched = 2
    /// How many of these are none of the preamble's or part's own, but end the line before it: where one begins, the end of that
    /// line can be the beginning of a delimiter.
    private var borrowed = 2

    public init(boundary: FormBoundary, limits: FormLimits = FormLimits()) {
        delimiter = boundary.delimiter
        self.limits = limits
    }

    /// The next event in a chunk; nil when the chunk has no more.
    /// - Parameter offset: how far the chunk has been read: begin with 0.
    public mutating func next(in chunk: Span<UInt8>, at offset: inout Int) throws(FormError) -> Event? {
        while offset < chunk.count || matched == delimiter.count {
            switch state {
            case .preamble:
                if scan(chunk, &offset) == .boundary { state = .boundaryLine(.nothing) }
            case .body:
                switch scan(chunk, &offset) {
                case .boundary:
                    state = .boundaryLine(.nothing)
                    return .partEnd
                case .data(let range): return .data(range)
                case .withheld(let range): return .withheld(range)
                case nil: break
                }
            case .boundaryLine(let seen):
                if try readBoundaryLine(seen, chunk[offset]) { return .end }
                offset += 1
            case .header:
                if let part = try readHeader(chunk[offset]) {
                    offset += 1
                    return .part(part)
                }
                offset += 1
            case .epilogue:
                offset = chunk.count
            }
        }
        return nil
    }

    /// Says that there are no more bytes.
    /// - Throws: `incomplete` where the form has not ended.
    public func finish() throws(FormError) {
        guard case .epilogue = state else { throw .incomplete }
    }

    // MARK: Bytes up to a boundary

    private enum Finding: Equatable {
        case boundary
        case data(Range<Int>)
        case withheld(Range<Int>)
    }

    /// The next thing in the preamble or a part's bytes; nil when the chunk's end may be the beginning of a boundary.
    ///
    /// Of all the delimiter's bytes only the first is a carriage return: where it does not go on as a delimiter, the next one can
    /// begin no earlier than at the byte that differs.
    private mutating func scan(_ chunk: Span<UInt8>, _ offset: inout Int) -> Finding? {
        if matched > 0 {
            matchOn(chunk, &offset)
            if matched == delimiter.count {
                matched = 0
                return .boundary
            }
            if offset == chunk.count { return nil }
            let withheld = borrowed..<matched
            (matched, borrowed) = (0, 0)
            if !withheld.isEmpty { return .withheld(withheld) }
        }
        let start = offset
        while let candidate = Self.firstCarriageReturn(in: chunk, from: offset) {
            (offset, matched) = (candidate, 0)
            matchOn(chunk, &offset)
            if matched == delimiter.count || offset == chunk.count {
                return start == candidate ? scanAgain(chunk, &offset) : .data(start..<candidate)
            }
        }
        (offset, matched) = (chunk.count, 0)
        return .data(start..<offset)
    }

    /// What a whole or a begun delimiter means where no data stands before it.
    private mutating func scanAgain(_ chunk: Span<UInt8>, _ offset: inout Int) -> Finding? {
        guard matched == delimiter.count else { return nil }
        matched = 0
        return .boundary
    }

    /// Compares on with the delimiter, to its end, the chunk's or the first difference.
    private mutating func matchOn(_ chunk: Span<UInt8>, _ offset: inout Int) {
        while matched < delimiter.count, offset < chunk.count, chunk[offset] == delimiter[matched] {
            matched += 1
            offset += 1
        }
    }

    private static func firstCarriageReturn(in chunk: Span<UInt8>, from offset: Int) -> Int? {
        chunk.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, offset < bytes.count else { return nil }
            let found = memchr(start + offset, Int32(UInt8(ascii: "\r")), bytes.count - offset)
            return found.map { UnsafeRawPointer($0) - start }
        }
    }

    // MARK: Lines

    /// Takes a byte behind a boundary; true when the form is complete.
    private mutating func readBoundaryLine(_ seen: BoundaryLine, _ byte: UInt8) throws(FormError) -> Bool {
        switch (seen, byte) {
        case (.nothing, UInt8(ascii: "-")): state = .boundaryLine(.hyphen)
        case (.hyphen, UInt8(ascii: "-")):
            state = .epilogue
            return true
        case (.nothing, UInt8(ascii: "\r")), (.space, UInt8(ascii: "\r")): state = .boundaryLine(.carriageReturn)
        // Padding that some transport has added.
        case (.nothing, UInt8(ascii: " ")), (.nothing, UInt8(ascii: "\t")): state = .boundaryLine(.space)
        case (.space, UInt8(ascii: " ")), (.space, UInt8(ascii: "\t")): break
        case (.carriageReturn, UInt8(ascii: "\n")):
            guard parts < limits.parts else { throw .tooManyParts(limit: limits.parts) }
            parts += 1
            state = .header
        default: throw .malformedBoundaryLine
        }
        return false
    }

    /// Takes a byte of a header; the part when the header is complete.
    private mutating func readHeader(_ byte: UInt8) throws(FormError) -> FormPart? {
        guard header.count < limits.headerBytes else { throw .headerTooLong(limit: limits.headerBytes) }
        header.append(byte)
        guard byte == UInt8(ascii: "\n"), header.suffix(4).elementsEqual("\r\n\r\n".utf8) || header.elementsEqual("\r\n".utf8)
        else {
            return nil
        }
        defer { header.removeAll(keepingCapacity: true) }
        let part = try FormPart(header: header)
        state = .body
        // The line's end that closes the header can be the one that begins a boundary: a part without any bytes.
        (matched, borrowed) = (2, 2)
        return part
    }
}
