import MultipartForm

/// A whole form, read in chunks of given sizes.
struct FormReader {
    struct Part: Equatable {
        var head: FormPart
        var bytes: [UInt8] = []
        var isComplete = false
    }

    private(set) var parts: [Part] = []
    private(set) var hasEnded = false

    /// - Parameter sizes: of the chunks, used in turn; nil for one chunk.
    init(_ form: [UInt8], boundary: String = "x", limits: FormLimits = FormLimits(), sizes: [Int]? = nil) throws {
        var parser = FormParser(boundary: try FormBoundary(boundary), limits: limits)
        var start = 0
        var round = 0
        while start < form.count {
            let size = sizes.map { $0[round % $0.count] } ?? form.count
            let chunk = Array(form[start..<min(start + size, form.count)])
            try read(chunk, &parser)
            start += chunk.count
            round += 1
        }
        try parser.finish()
    }

    private mutating func read(_ chunk: [UInt8], _ parser: inout FormParser) throws {
        var offset = 0
        while let event = try parser.next(in: chunk.span, at: &offset) {
            switch event {
            case .part(let head): parts.append(Part(head: head))
            case .data(let range): parts[parts.count - 1].bytes += chunk[range]
            case .withheld(let range): parts[parts.count - 1].bytes += parser.delimiter[range]
            case .partEnd: parts[parts.count - 1].isComplete = true
            case .end: hasEnded = true
            }
        }
    }
}

/// A part as senders write it.
func formPart(_ disposition: String, _ content: String, more: String = "", boundary: String = "x") -> String {
    "--\(boundary)\r\nContent-Disposition: \(disposition)\r\n\(more)\r\n\(content)\r\n"
}
