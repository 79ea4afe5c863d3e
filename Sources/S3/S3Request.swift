/// One request of S3's API, built from values alone: neither signed nor sent.
struct S3Request: Equatable, Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    /// How the request's signature covers its body.
    enum Payload: Equatable, Sendable {
        /// There is no body.
        case empty
        /// By its SHA-256.
        case signed
        /// Not at all.
        case unsigned
        /// By this SHA-256 in hexadecimal, true or not: to find out whether the endpoint looks.
        case claimed(String)
    }

    /// The operation's name in the Amazon S3 API Reference.
    var operation: String
    var method: Method
    /// The whole key, the store's prefix included; nil for the bucket.
    var key: String?
    /// Not encoded yet.
    var query: [HTTPField] = []
    /// Names in lower case. The host, the date and the token come with the signature.
    var headers: [HTTPField] = []
    var payload = Payload.empty
    /// A body that belongs to the request itself; an object's bytes travel beside it.
    var body: [UInt8] = []

    /// The multipart upload that the request is about.
    var uploadID: String? { query.first { $0.name == "uploadId" }?.value }
}
