import ArtifactModel
import Testing

@testable import GatewayCore

/// `Accept-Encoding` headers.
struct AcceptEncodingTests {
    typealias Form = AcceptEncoding.Form

    /// A client gets an encoded object as it is stored only where it names the coding, or likes it better than bare bytes; it is
    /// refused only where it excludes both.
    @Test(
        arguments: [
            (nil, .decoded), ("", .decoded), ("identity", .decoded), ("gzip, deflate, br", .decoded), ("zstd", .asStored),
            ("gzip, ZSTD", .asStored), ("deflate, gzip, br, zstd", .asStored), ("zstd;q=0.001", .asStored),
            ("zstd; q=1.000", .asStored),
            ("zstd;q=0", .decoded), ("zstd;q=0.5, identity", .decoded), ("zstd, identity;q=0.5", .asStored),
            ("zstd, identity", .asStored), ("*", .decoded), ("*;q=0", nil), ("*;q=0, zstd", .asStored),
            ("*;q=0, identity;q=0.1", .decoded),
            ("identity;q=0", nil), ("identity;q=0, *", .asStored), ("identity;q=0, zstd;q=0", nil),
            ("identity;q=0.5, *;q=1", .asStored),
            ("gzip, *;q=0.5", .decoded), ("identity;q=0, gzip", nil),
            // What is no weight leaves the coding unnamed.
            ("zstd;q=2", .decoded), ("zstd;q=-1", .decoded), ("zstd;q=nan", .decoded), ("zstd;q=", .decoded),
            ("zstd;level=3", .decoded),
            (", ,;q=1,", .decoded),
        ] as [(String?, Form?)])
    func ofZstandard(header: String?, form: Form?) { #expect(AcceptEncoding(header).form(of: .zstd) == form) }

    /// `x-gzip` is gzip (RFC 9110, section 8.4.1.3).
    @Test(
        arguments: [("gzip", .asStored), ("x-gzip", .asStored), ("zstd", .decoded), ("gzip;q=0", .decoded)] as [(String, Form)])
    func ofGzip(header: String, form: Form) { #expect(AcceptEncoding(header).form(of: .gzip) == form) }

    /// What is not encoded goes out as it is, unless the client excludes just that.
    @Test(
        arguments: [
            (nil, .asStored), ("", .asStored), ("zstd", .asStored), ("*", .asStored), ("identity;q=0", nil), ("*;q=0", nil),
            ("*;q=0, identity", .asStored), ("*;q=0, zstd", nil),
        ] as [(String?, Form?)])
    func ofPlain(header: String?, form: Form?) { #expect(AcceptEncoding(header).form(of: .identity) == form) }
}
