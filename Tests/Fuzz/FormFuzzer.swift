import MultipartForm

/// libFuzzer's entry: any bytes, as if a client had sent them as a form. The first two say how the rest is cut.
///
/// However the form is cut, the same parts come out or the same refusal; no more bytes come out than went in, in an order that the
/// parser's documentation allows; and what is quoted from the chunk lies in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzForm(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count > 2 else { return 0 }
    let form = Array(input[2...])
    let whole = Reading(form, sizes: [form.count])
    for sizes in [[Int(input[0] % 16) + 1, Int(input[1]) + 1], [1]] {
        check(Reading(form, sizes: sizes) == whole, "the form reads differently when it is cut into pieces of \(sizes)")
    }
    return 0
}

/// What a form in pieces was read as.
private struct Reading: Equatable {
    private struct Part: Equatable {
        var head: FormPart
        var bytes: [UInt8] = []
    }

    private var parts: [Part] = []
    private var refusal: FormError?
    private var isOpen = false
    private var hasEnded = false

    init(_ form: [UInt8], sizes: [Int]) {
        do throws(FormError) {
            var parser = FormParser(boundary: try FormBoundary("x-x"), limits: FormLimits(headerBytes: 256, parts: 4))
            var start = 0
            var round = 0
            while start < form.count {
                let chunk = Array(form[start..<min(start + sizes[round % sizes.count], form.count)])
                try read(chunk, &parser)
                start += chunk.count
                round += 1
            }
            try parser.finish()
            check(hasEnded && !isOpen, "a form was taken for complete without its end")
        } catch {
            refusal = error
        }
        check(parts.count <= 4, "more parts came out than allowed")
        check(parts.reduce(0) { $0 + $1.bytes.count } <= form.count, "more bytes came out than went in")
        for part in parts {
            if let name = part.head.baseName {
                check(!name.contains("/") && !name.contains("\\") && name != "..", "a directory got through: \(name)")
            }
        }
    }

    private mutating func read(_ chunk: [UInt8], _ parser: inout FormParser) throws(FormError) {
        var offset = 0
        while let event = try parser.next(in: chunk.span, at: &offset) {
            check((0...chunk.count).contains(offset), "the offset left the chunk")
            check(!hasEnded, "something came behind the end")
            switch event {
            case .part(let head):
                check(!isOpen, "a part began within another")
                parts.append(Part(head: head))
                isOpen = true
            case .data(let range):
                check(isOpen && !range.isEmpty, "bytes came outside of a part, or none")
                parts[parts.count - 1].bytes += chunk[range]
            case .withheld(let range):
                check(isOpen && !range.isEmpty, "bytes came outside of a part, or none")
                parts[parts.count - 1].bytes += parser.delimiter[range]
            case .partEnd:
                check(isOpen, "a part ended that had not begun")
                isOpen = false
            case .end:
                check(!isOpen, "the form ended within a part")
                hasEnded = true
            }
        }
        check(offset == chunk.count, "bytes of the chunk were left over")
    }
}

/// Ends the run with a sentence when the promise is broken: `precondition` keeps silent in an optimised build.
private func check(_ promise: Bool, _ complaint: @autoclosure () -> String) {
    if !promise { fatalError(complaint()) }
}
