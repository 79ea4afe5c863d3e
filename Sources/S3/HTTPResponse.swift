/// What a server answered.
struct HTTPResponse: Sendable {
    var status = 0
    /// The headers, names in lower case; of several with one name the last.
    var headers: [String: String] = [:]
    /// The body, unless it was passed on while it came.
    var body: [UInt8] = []

    var isSuccess: Bool { (200..<300).contains(status) }
}
