/// What an answer with status 200 to CompleteMultipartUpload says. The status alone says nothing: S3 sends it before it works.
///
/// Source: Amazon S3 API Reference, "CompleteMultipartUpload".
enum CompleteAnswer: Equatable {
    /// The object is there; with its full checksum where the store says it.
    case completed(checksum: String?)
    /// It failed.
    case failed(code: String, message: String)
    /// White space, then nothing; or something that is no answer. The object may be there or not.
    case unknown

    init(body: [UInt8]) {
        guard let root = AnswerElement(parsing: body) else {
            self = .unknown
            return
        }
        if root.name == "Error" {
            self = .failed(code: root["Code"]?.text ?? "", message: root["Message"]?.text ?? "")
        } else if root.name == "CompleteMultipartUploadResult", root["ETag"] != nil {
            self = .completed(checksum: FullChecksum.found { root["Checksum\($0.uppercased())"]?.text })
        } else {
            self = .unknown
        }
    }
}
