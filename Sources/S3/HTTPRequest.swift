/// A request as the transport sends it, without its body: signed, encoded, complete but for what HTTP itself needs.
struct HTTPRequest: Sendable {
    let method: S3Request.Method
    let url: String
    let headers: [HTTPField]
    /// Whether the server may work for minutes before it answers.
    let isSlow: Bool
    /// Whether it must not be sent again where the server may have heard it.
    let isSentOnce: Bool
}
