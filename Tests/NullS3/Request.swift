/// What a request asks for, under the name that `--fault` and the tests use.
enum Operation: String, CaseIterable, Sendable {
    case put, create, part, complete, abort, head, get, delete, list, listparts, listuploads, bucket, unknown
}

/// The head of an HTTP request, taken apart.
///
/// Names of objects are bytes: Swift's strings hold two spellings of one letter for equal, S3 does not.
struct Request {
    let method: String
    /// As it was sent, percent-encoded.
    let path: String
    /// As it was sent; empty when there is none.
    let query: String
    /// Decoded: the bucket, a slash, the key.
    let name: [UInt8]
    let parameters: [String: [UInt8]]
    /// By name in lower case.
    let headers: [String: String]
    let operation: Operation

    /// Nil when the bytes are not the head of an HTTP/1.1 request.
    init?(head: [UInt8]) {
        let lines = head.split(separator: UInt8(ascii: "\n")).map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        guard let first = lines.first else { return nil }
        let words = first.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 3, words[1].hasPrefix("/"), words[2] == "HTTP/1.1" else { return nil }
        method = words[0]
        let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(target[0])
        query = target.count == 2 ? String(target[1]) : ""

        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let value = line[(colon + 1)...].drop { $0 == UInt8(ascii: " ") }
            headers[String(decoding: line[..<colon], as: UTF8.self).lowercased()] = String(decoding: value, as: UTF8.self)
        }
        self.headers = headers

        var parameters: [String: [UInt8]] = [:]
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            parameters[String(decoding: percentDecoded(halves[0]), as: UTF8.self)] =
                halves.count == 2 ? percentDecoded(halves[1]) : []
        }
        self.parameters = parameters
        let name = percentDecoded(path.utf8.dropFirst())
        self.name = name
        let hasKey = name.firstIndex(of: UInt8(ascii: "/")).map { $0 + 1 < name.endIndex } ?? false
        operation = Self.operation(method, hasKey: hasKey, parameters, isCopy: headers["x-amz-copy-source"] != nil)
    }

    /// The part before the first slash of the name.
    var bucket: [UInt8] { Array(name.prefix { $0 != UInt8(ascii: "/") }) }
    /// What follows the bucket and its slash.
    var key: [UInt8] { Array(name.dropFirst(bucket.count + 1)) }
    /// The length that the client announced; nil when it sends chunks or nothing.
    var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }

    func text(_ parameter: String) -> String? { parameters[parameter].map { String(decoding: $0, as: UTF8.self) } }

    private static func operation(
        _ method: String, hasKey: Bool, _ parameters: [String: [UInt8]], isCopy: Bool
    ) -> Operation {
        let hasUpload = parameters["uploadId"] != nil
        switch (method, hasKey) {
        case ("PUT", true) where isCopy: return .unknown
        case ("PUT", true) where hasUpload: return .part
        // Another parameter names another thing than the content, such as its tags.
        case ("PUT", true): return parameters.keys.allSatisfy { $0 == "x-id" } ? .put : .unknown
        case ("POST", true): return parameters["uploads"] != nil ? .create : hasUpload ? .complete : .unknown
        case ("DELETE", true): return hasUpload ? .abort : .delete
        case ("GET", true): return hasUpload ? .listparts : .get
        case ("HEAD", true): return .head
        case ("GET", false) where parameters["uploads"] != nil: return .listuploads
        case ("GET", false): return parameters["list-type"] != nil ? .list : .unknown
        case ("PUT", false), ("HEAD", false): return .bucket
        default: return .unknown
        }
    }
}
