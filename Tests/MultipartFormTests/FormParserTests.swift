import MultipartForm
import Testing

/// Forms, whole, cut, and wrong.
struct FormParserTests {
    private static let file = #"form-data; name="file"; filename="model.pkl""#

    private static func parts(_ form: String, sizes: [Int]? = nil, limits: FormLimits = FormLimits()) throws -> [FormReader.Part]
    {
        let reader = try FormReader(Array(form.utf8), limits: limits, sizes: sizes)
        #expect(reader.hasEnded)
        #expect(!reader.parts.contains { !$0.isComplete })
        return reader.parts
    }

    private static func refusal(_ form: String, limits: FormLimits = FormLimits()) -> FormError? {
        var refusals: [FormError?] = []
        for sizes in [nil, [1], [7]] {
            do {
                _ = try FormReader(Array(form.utf8), limits: limits, sizes: sizes)
                refusals.append(nil)
            } catch {
                refusals.append(error as? FormError)
            }
        }
        #expect(refusals.allSatisfy { $0 == refusals[0] }, "the refusal depends on how the form is cut: \(refusals)")
        return refusals[0]
    }

    /// Name, file name, type and bytes of each part come out as they were sent, wherever the form is cut.
    @Test(arguments: [nil, [1], [2], [3, 1], [5], [64]])
    func readsParts(sizes: [Int]?) throws {
        let form =
            formPart(Self.file, "\u{0}binary\r\n--not the boundary\r", more: "Content-Type: application/octet-stream\r\n")
            + formPart(#"form-data; name="artifact_path""#, "models/") + "--x--\r\n"
        let parts = try Self.parts(form, sizes: sizes)
        try #require(parts.count == 2)
        #expect(parts[0].head == FormPart(name: "file", filename: "model.pkl", contentType: "application/octet-stream"))
        #expect(parts[0].bytes == Array("\u{0}binary\r\n--not the boundary\r".utf8))
        #expect(parts[1].head == FormPart(name: "artifact_path"))
        #expect(parts[1].bytes == Array("models/".utf8))
    }

    /// What stands before the first boundary and behind the last says nothing (RFC 2046, section 5.1.1).
    @Test(arguments: ["", "\r\n", "a preamble\r\n", "--y\r\n\r\n", "--\r\n\r\r\n", "-\r\n"])
    func ignoresPreambleAndEpilogue(preamble: String) throws {
        let part = formPart(Self.file, "content")
        let form = preamble + part + "--x--\r\n--x\r\nnothing: of this\r\n\r\n--x--"
        for sizes in [nil, [1], [4]] {
            let parts = try Self.parts(form, sizes: sizes)
            #expect(parts.map(\.bytes) == [Array("content".utf8)])
        }
    }

    /// The boundary counts only at the beginning of a line: not in the preamble's middle either.
    @Test func wantsTheBoundaryAtTheLinesBeginning() throws {
        #expect(try Self.parts("no line's end--x\r\nContent-Disposition: \(Self.file)\r\n\r\nabc\r\n--x--").isEmpty)
        let parts = try Self.parts(formPart(Self.file, "a--x\r\nb\n--x\r\n") + "--x--")
        #expect(parts.map(\.bytes) == [Array("a--x\r\nb\n--x\r\n".utf8)])
    }

    /// A part without bytes is there, with its empty line or without.
    @Test func readsEmptyParts() throws {
        let header = "--x\r\nContent-Disposition: \(Self.file)\r\n\r\n"
        for form in [header + "\r\n--x--", header + "--x--", header + header + "\r\n--x--"] {
            for sizes in [nil, [1], [3]] {
                let parts = try Self.parts(form, sizes: sizes)
                #expect(parts.allSatisfy { $0.head.name == "file" && $0.bytes.isEmpty })
            }
        }
    }

    /// A transport may pad a boundary's line with spaces and tabs.
    @Test func allowsPaddingBehindABoundary() throws {
        let form = "--x \t \r\nContent-Disposition: \(Self.file)\r\n\r\nabc\r\n--x-- \t\r\n"
        #expect(try Self.parts(form).map(\.bytes) == [Array("abc".utf8)])
    }

    /// Whatever bytes a part has, and however the form is cut, they come out the same. The bytes are chosen so that they often
    /// begin a boundary.
    @Test func keepsAnyBytes() throws {
        var random = SeededGenerator(seed: 20_261_121)
        let alphabet = Array("\r\r\n\n--boxbox".utf8)
        for _ in 0..<2000 {
            let boundary = ["x", "box", "b-x-b", "--", "oxoxo"].randomElement(using: &random) ?? "x"
            var contents: [[UInt8]] = []
            var form: [UInt8] = []
            for number in 0..<Int.random(in: 1...3, using: &random) {
                let length = Int.random(in: 0...40, using: &random)
                var content = (0..<length).map { _ in alphabet.randomElement(using: &random) ?? 0 }
                // A boundary in the content would be one.
                while FormParserTests.contains(Array("\r\n--\(boundary)".utf8), in: Array("\r\n".utf8) + content) {
                    content.removeLast()
                }
                contents.append(content)
                form += Array("--\(boundary)\r\nContent-Disposition: form-data; name=p\(number)\r\n\r\n".utf8) + content
                form += Array("\r\n".utf8)
            }
            form += Array("--\(boundary)--".utf8)
            let sizes = (0..<4).map { _ in Int.random(in: 1...20, using: &random) }
            let reader = try FormReader(form, boundary: boundary, sizes: sizes)
            #expect(reader.parts.map(\.bytes) == contents)
            #expect(reader.parts.map(\.head.name) == contents.indices.map { "p\($0)" })
        }
    }

    private static func contains(_ needle: [UInt8], in hay: [UInt8]) -> Bool {
        guard hay.count >= needle.count else { return false }
        return (0...(hay.count - needle.count)).contains { hay[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    /// A form that does not say that it is complete is not: whatever is missing at its end.
    @Test func refusesAFormWithoutItsEnd() {
        let whole = formPart(Self.file, "content") + "--x--"
        for count in 0..<whole.utf8.count {
            #expect(Self.refusal(String(decoding: Array(whole.utf8).prefix(count), as: UTF8.self)) == .incomplete)
        }
        #expect(Self.refusal(whole) == nil)
    }

    /// Behind a boundary nothing but the line's end, padding or two hyphens is understood.
    @Test(arguments: ["--xy\r\n", "--x-\r\n", "--x\n", "--x\rn", "--x \ta\r\n", "--x -- "])
    func refusesAMalformedBoundaryLine(line: String) {
        #expect(Self.refusal(line + "Content-Disposition: \(Self.file)\r\n\r\n\r\n--x--") == .malformedBoundaryLine)
    }

    /// A header that goes on and on ends the parsing at the limit, before its end is seen; so does one of many small lines.
    @Test(arguments: ["a: " + String(repeating: "b", count: 200), String(repeating: "a: b\r\n", count: 40)])
    func boundsHeaders(bomb: String) {
        let limits = FormLimits(headerBytes: 100, parts: 2)
        #expect(Self.refusal("--x\r\n" + bomb, limits: limits) == .headerTooLong(limit: 100))
    }

    /// A header of exactly the limit is read.
    @Test func readsAHeaderOfTheLimit() throws {
        let header = "Content-Disposition: \(Self.file)\r\n\r\n"
        let form = "--x\r\n" + header + "\r\n--x--"
        #expect(try Self.parts(form, limits: FormLimits(headerBytes: header.utf8.count)).count == 1)
        #expect(Self.refusal(form, limits: FormLimits(headerBytes: header.utf8.count - 1)) != nil)
    }

    /// So do more parts than allowed.
    @Test func boundsParts() throws {
        let limits = FormLimits(parts: 2)
        let part = formPart(Self.file, "")
        #expect(try Self.parts(part + part + "--x--", limits: limits).count == 2)
        #expect(Self.refusal(part + part + part + "--x--", limits: limits) == .tooManyParts(limit: 2))
    }

    /// Headers that are none are refused, never skipped.
    @Test(arguments: [
        ("\r\n", FormError.missingDisposition), ("Content-Type: text/plain\r\n\r\n", .missingDisposition),
        ("Content-Disposition: form-data; name=a\r\nCONTENT-DISPOSITION: form-data; name=b\r\n\r\n", .missingDisposition),
        ("no colon\r\n\r\n", .malformedHeader), (": no name\r\n\r\n", .malformedHeader),
        (" folded first\r\n\r\n", .malformedHeader),
        ("a b: c\r\n\r\n", .malformedHeader), ("a: \u{0}\r\n\r\n", .malformedHeader), ("a: b\nc: d\r\n\r\n", .malformedHeader),
        ("a: b\rc: d\r\n\r\n", .malformedHeader),
        ("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n", .malformedHeader),
        ("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n", .encodedPart),
    ])
    func refusesMalformedHeaders(header: String, error: FormError) {
        #expect(Self.refusal("--x\r\n" + header + "\r\n--x--") == error)
    }

    /// A header that is not UTF-8 is refused: its names could not be told.
    @Test func refusesHeadersThatAreNotUTF8() {
        let form = Array("--x\r\nContent-Disposition: form-data; name=\"".utf8) + [0xFF] + Array("\"\r\n\r\n\r\n--x--".utf8)
        #expect(throws: FormError.malformedHeader) { try FormReader(form) }
    }
}
