/// An answer, before it is laid out as HTTP.
struct Response: Error, Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// So many zeros, in place of bytes that were discarded.
        case zeros(Int)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .zeros(let count): count
            }
        }
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    var body = Body.bytes([])

    static let noSuchUpload = error(404, "NoSuchUpload", "The specified upload does not exist.")
    static let noSuchKey = error(404, "NoSuchKey", "The specified key does not exist.")

    /// An S3 error document.
    static func error(_ status: Int, _ code: String, _ message: String) -> Response {
        .xml("<Error><Code>\(code)</Code><Message>\(xmlEscaped(message))</Message></Error>", status: status)
    }

    static func xml(_ document: String, status: Int = 200) -> Response {
        Response(
            status: status, headers: [("Content-Type", "application/xml")],
            body: .bytes(Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(document)".utf8)))
    }

    /// The status line and the headers. A HEAD's answer states the length of the body that it leaves out.
    func head(date: String) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(Self.reasons[status] ?? "Unknown")\r\nDate: \(date)\r\nx-amz-request-id: null\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if status != 204 { text += "Content-Length: \(body.count)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private static let reasons = [
        200: "OK", 204: "No Content", 206: "Partial Content", 307: "Temporary Redirect", 400: "Bad Request", 403: "Forbidden",
        404: "Not Found", 411: "Length Required", 412: "Precondition Failed", 416: "Range Not Satisfiable",
        500: "Internal Server Error", 501: "Not Implemented", 503: "Slow Down",
    ]
}
