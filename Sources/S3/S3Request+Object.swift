import ArtifactModel
import ObjectStore

/// The requests about whole objects.
extension S3Request {
    /// What S3 allows for user metadata. Source: Amazon S3 User Guide, "Working with object metadata".
    static let maximumMetadataBytes = 2048

    /// - Parameter ifAbsent: whether an object of that key stays as it is.
    /// - Throws: `invalidRequest` for metadata that no header can carry.
    static func put(
        _ object: ObjectDescription, key: String, proof: BodyProof, ifAbsent: Bool = false
    ) throws(ArtifactError) -> S3Request {
        var headers = try headers(of: object) + [proof.header].compactMap(\.self)
        if ifAbsent { headers.append(HTTPField("if-none-match", "*")) }
        return S3Request(operation: "PutObject", method: .put, key: key, headers: headers, payload: proof.payload)
    }

    static func head(key: String) -> S3Request {
        S3Request(operation: "HeadObject", method: .head, key: key, headers: [HTTPField("x-amz-checksum-mode", "ENABLED")])
    }

    /// - Parameter range: the bytes that are wanted, at least one; nil for all.
    static func get(key: String, range: Range<UInt64>? = nil) -> S3Request {
        // The checksum that may come with a part is not the object's.
        let header =
            if let range {
                HTTPField("range", "bytes=\(range.lowerBound)-\(range.upperBound == .max ? "" : "\(range.upperBound - 1)")")
            } else {
                HTTPField("x-amz-checksum-mode", "ENABLED")
            }
        return S3Request(operation: "GetObject", method: .get, key: key, headers: [header])
    }

    static func delete(key: String) -> S3Request { S3Request(operation: "DeleteObject", method: .delete, key: key) }

    /// - Parameter after: the key that the listing begins behind.
    /// - Parameter token: where a page without any key said to go on; stands for `after`.
    static func list(prefix: String, after: String?, token: String?, limit: Int) -> S3Request {
        var query = [HTTPField("list-type", "2"), HTTPField("max-keys", String(limit)), HTTPField("encoding-type", "url")]
        if !prefix.isEmpty { query.append(HTTPField("prefix", prefix)) }
        if let token {
            query.append(HTTPField("continuation-token", token))
        } else if let after {
            query.append(HTTPField("start-after", after))
        }
        return S3Request(operation: "ListObjectsV2", method: .get, query: query)
    }

    /// The headers that stay with an object.
    static func headers(of object: ObjectDescription) throws(ArtifactError) -> [HTTPField] {
        func refused(_ why: String) -> ArtifactError {
            ArtifactError(.invalidRequest, "'\(object.key.text.escapedForLog)' cannot be stored as described: \(why)")
        }
        guard object.contentType.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), !object.contentType.isEmpty else {
            throw refused("its content type is empty or not plain ASCII; name one such as application/octet-stream")
        }
        var headers = [HTTPField("content-type", object.contentType)]
        if object.encoding != .identity { headers.append(HTTPField("content-encoding", object.encoding.description)) }
        var size = 0
        for (name, value) in object.metadata {
            guard !name.isEmpty, name.utf8.allSatisfy(isMetadataNameByte) else {
                throw refused("'\(name.escapedForLog)' is no name for metadata; use lower case letters, digits and hyphens")
            }
            let encoded = value.headerEncoded
            size += name.utf8.count + encoded.utf8.count
            headers.append(HTTPField("x-amz-meta-\(name)", encoded))
        }
        guard size <= maximumMetadataBytes else {
            throw refused("its metadata takes \(size) bytes, and S3 allows \(maximumMetadataBytes); shorten it")
        }
        return headers
    }

    private static func isMetadataNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
