import MultipartForm
import Testing

/// What a request's content type says of the boundary.
struct FormBoundaryTests {
    /// Quoted or not, among other parameters, whatever the case.
    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"), ("Multipart/Form-Data;Boundary=\"a b\"", "a b"),
        ("multipart/form-data; charset=utf-8; boundary=----WebKitFormBoundary7MA4", "----WebKitFormBoundary7MA4"),
        ("multipart/form-data; boundary=a'()+_,-./:=?b", "a'()+_,-./:=?b"), ("multipart/form-data; boundary=abc;", "abc"),
    ])
    func isRead(contentType: String, boundary: String) throws {
        #expect(try FormBoundary(contentType: contentType) == FormBoundary(boundary))
    }

    /// What RFC 2046 does not allow is refused.
    @Test(arguments: [
        ("application/json", FormError.notAForm), ("multipart/mixed; boundary=a", .notAForm), ("", .notAForm),
        ("multipart/form-data boundary=a", .notAForm), ("multipart/form-data", .invalidBoundary),
        ("multipart/form-data; boundary=\"\"", .invalidBoundary), ("multipart/form-data; boundary=\"a \"", .invalidBoundary),
        ("multipart/form-data; boundary=a; boundary=b", .invalidBoundary),
        ("multipart/form-data; boundary=\"ä\"", .invalidBoundary),
        ("multipart/form-data; boundary=\"a\\\"b\"", .invalidBoundary),
        ("multipart/form-data; boundary=" + String(repeating: "a", count: 71), .invalidBoundary),
    ])
    func isRefused(contentType: String, error: FormError) {
        #expect(throws: error) { try FormBoundary(contentType: contentType) }
    }

    /// 70 characters are allowed.
    @Test func mayHaveSeventyCharacters() throws {
        #expect(throws: Never.self) { try FormBoundary(String(repeating: "a", count: 70)) }
    }
}
