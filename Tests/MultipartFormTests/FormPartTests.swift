import MultipartForm
import Testing

/// What the header of a part says of names.
struct FormPartTests {
    private static func part(_ disposition: String, more: String = "") throws -> FormPart {
        let reader = try FormReader(Array((formPart(disposition, "", more: more) + "--x--").utf8))
        return try #require(reader.parts.first).head
    }

    /// File names as curl, browsers, requests and others write them.
    @Test(arguments: [
        (#"filename="model.pkl""#, "model.pkl"), ("filename=model.pkl", "model.pkl"), (#"filename="""#, ""),
        (#"FileName = "a b;c=d.txt""#, "a b;c=d.txt"),
        // Quotes, escaped by a backslash or by per cent.
        (#"filename="a\"b\\c""#, #"a"b\c"#), (#"filename="a%22b%0D%0Ac""#, "a\"b\r\nc"),
        (#"filename="C:\dir\a.txt""#, #"C:\dir\a.txt"#),
        // Non-ASCII as it is, and percent-encoded.
        (#"filename="größe.pkl""#, "größe.pkl"), (#"filename="gr%C3%B6%C3%9Fe.pkl""#, "größe.pkl"),
        // Escapes that hardly any sender means: the file's own name.
        (#"filename="100%25.pkl""#, "100%25.pkl"), (#"filename="a%2Fb%2e%2e""#, "a%2Fb%2e%2e"),
        (#"filename="%C3.pkl""#, "%C3.pkl"),
        (#"filename="50%""#, "50%"),
        // RFC 8187, which counts more.
        ("filename*=UTF-8''na%C3%AFve%20file.txt", "naïve file.txt"), ("filename*=utf-8'en'a.txt", "a.txt"),
        ("filename*=iso-8859-1''%A3.txt", "£.txt"), (#"filename="plain"; filename*=UTF-8''b%C3%A9"#, "bé"),
        (#"filename*=UTF-8''b%C3%A9; filename="plain""#, "bé"),
    ])
    func readsFileNames(parameter: String, name: String) throws {
        let part = try Self.part(#"form-data; name="file"; "# + parameter)
        #expect(part == FormPart(name: "file", filename: name))
    }

    /// Field names are read in the same ways.
    @Test(arguments: [("name=file", "file"), (#"name="a \"b\"""#, #"a "b""#), (#"name="%22q%22""#, "\"q\""), ("NAME=Ä", "Ä")])
    func readsNames(parameter: String, name: String) throws {
        #expect(try Self.part("Form-Data; " + parameter + ";").name == name)
    }

    /// What cannot be understood, or could be understood in two ways, is refused.
    @Test(arguments: [
        ("form-data", FormError.malformedDisposition), ("form-data; filename=a", .malformedDisposition),
        ("attachment; name=a", .malformedDisposition), ("form-data; name=a; name=b", .malformedDisposition),
        ("form-data; name=a; filename=b; filename=c", .malformedDisposition), (#"form-data; name="a"#, .malformedDisposition),
        ("form-data name=a", .malformedDisposition), ("form-data; name", .malformedDisposition),
        (#"form-data; name="a"b"#, .malformedDisposition), ("form-data; name=a; filename*=UTF-8'en", .malformedExtendedValue),
        ("form-data; name=a; filename*=UTF-8''%C3", .malformedExtendedValue),
        ("form-data; name=a; filename*=UTF-8''%GG", .malformedExtendedValue),
        ("form-data; name=a; filename*=KOI8-R''a", .malformedExtendedValue),
    ])
    func refusesDispositions(disposition: String, error: FormError) {
        #expect(throws: error) { try Self.part(disposition) }
    }

    /// A header's line can go on in the next one, and fields that say nothing here are passed over.
    @Test func readsFoldedLines() throws {
        let part = try Self.part("form-data;\r\n name=file;\r\n\tfilename=a", more: "X-Other: 1\r\ncontent-type:text/plain \r\n")
        #expect(part == FormPart(name: "file", filename: "a", contentType: "text/plain"))
    }

    /// Directories that the sender names are dropped; what is left of them names no file.
    @Test(
        arguments: [
            ("model.pkl", "model.pkl"), ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"),
            (#"C:\Users\me\a.pkl"#, "a.pkl"),
            (#"..\..\a"#, "a"), ("a/../b", "b"), ("..", nil), (".", nil), ("", nil), ("a/", nil), ("a/..", nil), (#"a\"#, nil),
            ("...", "..."), ("%2e%2e%2fa", "%2e%2e%2fa"),
        ] as [(String, String?)])
    func believesNoDirectories(filename: String, baseName: String?) {
        #expect(FormPart(name: "file", filename: filename).baseName == baseName)
        #expect(FormPart(name: "file").baseName == nil)
    }
}
