extension FormPart {
    /// A part from its header, the empty line included.
    init(header: [UInt8]) throws(FormError) {
        var disposition: ArraySlice<UInt8>?
        var contentType: ArraySlice<UInt8>?
        for (name, value) in try Self.fields(header) {
            switch name {
            case "content-disposition":
                guard disposition == nil else { throw .missingDisposition }
                disposition = value
            case "content-type":
                guard contentType == nil else { throw .malformedHeader }
                contentType = value
            case "content-transfer-encoding":
                let encoding = String(decoding: value, as: UTF8.self).lowercased()
                guard ["binary", "8bit", "7bit"].contains(encoding) else { throw .encodedPart }
            default: break
            }
        }
        guard let disposition else { throw .missingDisposition }
        guard let field = FieldValue(disposition), field.value == "form-data",
            case .some(let name?) = field.parameter("name"), case .some(let plain) = field.parameter("filename"),
            case .some(let extended) = field.parameter("filename*")
        else { throw .malformedDisposition }
        self.name = PercentDecoding.formText(name)
        if let extended {
            // The better spelling where a sender gives both (RFC 6266, section 4.3).
            guard let filename = PercentDecoding.extendedValue(extended) else { throw .malformedExtendedValue }
            self.filename = filename
        } else {
            filename = plain.map(PercentDecoding.formText)
        }
        self.contentType = contentType.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The fields of a header by their names in lower case. A line that begins with a space goes on with the one before it.
    private static func fields(_ header: [UInt8]) throws(FormError) -> [(name: String, value: ArraySlice<UInt8>)] {
        guard String(validating: header, as: UTF8.self) != nil else { throw .malformedHeader }
        var lines: [[UInt8]] = []
        var rest = header[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\r")) {
            let line = rest[..<end]
            rest = rest[end...].dropFirst()
            guard rest.popFirst() == UInt8(ascii: "\n"), line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .malformedHeader
            }
            if line.isEmpty { break }
            if line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t") {
                guard !lines.isEmpty else { throw .malformedHeader }
                lines[lines.count - 1] += line
            } else {
                lines.append(Array(line))
            }
        }
        guard rest.isEmpty else { throw .malformedHeader }
        var fields: [(name: String, value: ArraySlice<UInt8>)] = []
        for line in lines {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0, line[..<colon].allSatisfy(\.isTokenCharacter)
            else {
                throw .malformedHeader
            }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            fields.append((name, line[(colon + 1)...].trimmingSpace()))
        }
        return fields
    }
}

extension ArraySlice<UInt8> {
    fileprivate func trimmingSpace() -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }
}
