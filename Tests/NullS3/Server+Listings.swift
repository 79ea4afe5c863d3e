/// Listings.
extension Server {
    private static let pageSize = 1_000

    /// ListObjectsV2. The continuation token is the last name that was looked at, encoded.
    func list(_ request: Request) -> Response {
        let bucket = request.bucket + [UInt8(ascii: "/")]
        let prefix = bucket + (request.parameters["prefix"] ?? [])
        let delimiter = request.parameters["delimiter"] ?? []
        let limit = request.text("max-keys").flatMap { Int($0) }.map { min(max($0, 0), Self.pageSize) } ?? Self.pageSize
        let start = request.parameters["continuation-token"].map { percentDecoded($0) } ?? request.parameters["start-after"]
        let after = start.map { bucket + $0 }
        let found = state.withLock { state in
            state.objects.filter { name, _ in
                name.starts(with: prefix) && (after.map { $0.lexicographicallyPrecedes(name) } ?? true)
            }
        }
        let isEncoded = request.text("encoding-type") == "url"
        let written = { (bytes: ArraySlice<UInt8>) -> String in
            isEncoded ? percentEncoded(bytes) : xmlEscaped(String(decoding: bytes, as: UTF8.self))
        }
        var entries: [String] = []
        var group: [UInt8] = []
        var last: [UInt8] = []
        var isTruncated = false
        for (name, object) in found.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if group.isEmpty || !name.starts(with: group) {
                guard entries.count < limit else {
                    isTruncated = true
                    break
                }
                group = Self.group(of: name, prefix: prefix, delimiter: delimiter)
                if group.isEmpty {
                    entries.append(
                        "<Contents><Key>\(written(name[bucket.count...]))</Key><LastModified>\(timestamp(object.modified))</LastModified>"
                            + "<ETag>\(xmlEscaped(object.etag))</ETag><Size>\(object.size)</Size>"
                            + "<StorageClass>STANDARD</StorageClass></Contents>")
                } else {
                    entries.append("<CommonPrefixes><Prefix>\(written(group[bucket.count...]))</Prefix></CommonPrefixes>")
                }
            }
            last = name
        }
        let token = percentEncoded(last.dropFirst(bucket.count))
        return .xml(
            "<ListBucketResult><Name>\(xmlEscaped(String(decoding: request.bucket, as: UTF8.self)))</Name>"
                + "<Prefix>\(written(prefix[bucket.count...]))</Prefix><KeyCount>\(entries.count)</KeyCount><MaxKeys>\(limit)</MaxKeys>"
                + (delimiter.isEmpty ? "" : "<Delimiter>\(written(delimiter[...]))</Delimiter>")
                + (isEncoded ? "<EncodingType>url</EncodingType>" : "") + "<IsTruncated>\(isTruncated)</IsTruncated>"
                + (isTruncated ? "<NextContinuationToken>\(token)</NextContinuationToken>" : "") + entries.joined()
                + "</ListBucketResult>")
    }

    func listParts(_ request: Request) throws(Response) -> Response {
        let id = request.text("uploadId") ?? ""
        guard let upload = state.withLock({ $0.uploads[id] }), upload.name == request.name else { throw .noSuchUpload }
        let marker = request.text("part-number-marker").flatMap { Int($0) } ?? 0
        let limit = request.text("max-parts").flatMap { Int($0) }.map { min(max($0, 1), Self.pageSize) } ?? Self.pageSize
        let rest = upload.parts.filter { $0.key > marker }.sorted { $0.key < $1.key }
        let page = rest.prefix(limit)
        let entries = page.map { number, part in
            "<Part><PartNumber>\(number)</PartNumber><LastModified>\(timestamp(part.modified))</LastModified>"
                + "<ETag>\(xmlEscaped(part.etag))</ETag><Size>\(part.size)</Size>"
                + (part.crc32c.map { "<ChecksumCRC32C>\($0)</ChecksumCRC32C>" } ?? "") + "</Part>"
        }
        return .xml(
            "<ListPartsResult>\(names(request))<UploadId>\(id)</UploadId><PartNumberMarker>\(marker)</PartNumberMarker>"
                + "<NextPartNumberMarker>\(page.last?.key ?? marker)</NextPartNumberMarker><MaxParts>\(limit)</MaxParts>"
                + "<IsTruncated>\(page.count < rest.count)</IsTruncated>\(entries.joined())</ListPartsResult>")
    }

    /// ListMultipartUploads, all on one page, the eldest first.
    func listUploads(_ request: Request) -> Response {
        let bucket = request.bucket + [UInt8(ascii: "/")]
        let prefix = bucket + (request.parameters["prefix"] ?? [])
        let found = state.withLock { $0.uploads.filter { $0.value.name.starts(with: prefix) } }
        let isEncoded = request.text("encoding-type") == "url"
        let entries = found.sorted { $0.key < $1.key }.map { id, upload in
            let key = upload.name[bucket.count...]
            let written = isEncoded ? percentEncoded(key) : xmlEscaped(String(decoding: key, as: UTF8.self))
            return "<Upload><Key>\(written)</Key><UploadId>\(id)</UploadId>"
                + "<Initiated>\(timestamp(upload.initiated))</Initiated></Upload>"
        }
        return .xml(
            "<ListMultipartUploadsResult><Bucket>\(xmlEscaped(String(decoding: request.bucket, as: UTF8.self)))</Bucket>"
                + (isEncoded ? "<EncodingType>url</EncodingType>" : "")
                + "<IsTruncated>false</IsTruncated>\(entries.joined())</ListMultipartUploadsResult>")
    }

    /// The elements that name a request's bucket and key.
    func names(_ request: Request) -> String {
        "<Bucket>\(xmlEscaped(String(decoding: request.bucket, as: UTF8.self)))</Bucket>"
            + "<Key>\(xmlEscaped(String(decoding: request.key, as: UTF8.self)))</Key>"
    }

    private func timestamp(_ time: Int) -> String { formatted(time, "%Y-%m-%dT%H:%M:%S.000Z") }

    /// The name up to and with the first delimiter after the prefix; empty when there is none.
    private static func group(of name: [UInt8], prefix: [UInt8], delimiter: [UInt8]) -> [UInt8] {
        guard !delimiter.isEmpty, let found = name.dropFirst(prefix.count).firstRange(of: delimiter) else { return [] }
        return Array(name[..<found.upperBound])
    }
}
