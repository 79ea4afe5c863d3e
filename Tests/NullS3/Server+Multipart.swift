/// Multipart uploads.
extension Server {
    /// All parts but the last must be as large as this (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
    private static let smallestPart = 5 << 20

    func create(_ request: Request) -> Response {
        let upload = Upload(
            name: request.name, headers: kept(request),
            takesCRC32C: request.headers["x-amz-checksum-algorithm"]?.uppercased() == "CRC32C")
        let id = state.withLock { state in
            let id = state.nextIdentifier()
            state.uploads[id] = upload
            return id
        }
        return .xml("<InitiateMultipartUploadResult>\(names(request))<UploadId>\(id)</UploadId></InitiateMultipartUploadResult>")
    }

    func part(_ request: Request, _ body: Body) throws(Response) -> Response {
        guard let number = request.text("partNumber").flatMap({ Int($0) }), (1...10_000).contains(number) else {
            throw .error(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        }
        let id = request.text("uploadId") ?? ""
        let crc = request.headers["x-amz-checksum-crc32c"]
        let upload = try upload(request)
        guard crc == nil || upload.takesCRC32C else {
            throw .error(400, "InvalidRequest", "The upload was not begun with x-amz-checksum-algorithm: CRC32C.")
        }
        let part: Object? = state.withLock { state in
            let part = Object(
                size: body.size, bytes: body.bytes(if: options.keepsBodies), etag: "\"\(state.nextIdentifier())\"", crc32c: crc)
            // The upload may have ended meanwhile.
            guard state.uploads[id] != nil else { return nil }
            state.uploads[id]?.parts[number] = part
            return part
        }
        guard let part else { throw .noSuchUpload }
        return Response(status: 200, headers: receipt(of: part))
    }

    func complete(_ request: Request, _ body: Body) throws(Response) -> Response {
        let upload = try upload(request)
        let listed = try Self.listedParts(body.bytes ?? [])
        var parts: [Object] = []
        for (number, etag) in listed {
            guard let part = upload.parts[number], part.etag == etag else {
                throw .error(400, "InvalidPart", "One or more of the specified parts could not be found: \(number)")
            }
            parts.append(part)
        }
        guard zip(listed, listed.dropFirst()).allSatisfy({ $0.number < $1.number }) else {
            throw .error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        }
        guard parts.dropLast().allSatisfy({ $0.size >= Self.smallestPart }) else {
            throw .error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        }
        let bytes = options.keepsBodies ? parts.flatMap { $0.bytes ?? [] } : nil
        let crc = request.headers["x-amz-checksum-crc32c"]
        if let crc, let bytes { try Self.check(bytes, against: crc) }
        let tag = state.withLock { $0.nextIdentifier() }
        let object = try store(
            Object(
                size: parts.reduce(0) { $0 + $1.size }, bytes: bytes, etag: "\"\(tag)-\(parts.count)\"", crc32c: crc,
                headers: upload.headers),
            for: request)
        state.withLock { _ = $0.uploads.removeValue(forKey: request.text("uploadId") ?? "") }
        let check = crc.map { "<ChecksumCRC32C>\($0)</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>" } ?? ""
        return .xml(
            "<CompleteMultipartUploadResult>\(names(request))<ETag>\(xmlEscaped(object.etag))</ETag>\(check)"
                + "</CompleteMultipartUploadResult>")
    }

    func abort(_ request: Request) throws(Response) -> Response {
        _ = try upload(request)
        state.withLock { _ = $0.uploads.removeValue(forKey: request.text("uploadId") ?? "") }
        return Response(status: 204)
    }

    private func upload(_ request: Request) throws(Response) -> Upload {
        guard let upload = state.withLock({ $0.uploads[request.text("uploadId") ?? ""] }), upload.name == request.name else {
            throw .noSuchUpload
        }
        return upload
    }

    /// The numbers and tags of a CompleteMultipartUpload document, as the known clients write it.
    private static func listedParts(_ document: [UInt8]) throws(Response) -> [(number: Int, etag: String)] {
        let malformed = Response.error(400, "MalformedXML", "The XML you provided was not well-formed")
        var parts: [(Int, String)] = []
        for element in String(decoding: document, as: UTF8.self).split(separator: "<Part>").dropFirst() {
            guard let number = content(of: "PartNumber", in: element).flatMap({ Int($0) }),
                let etag = content(of: "ETag", in: element)
            else { throw malformed }
            let bare = etag.replacing("&quot;", with: "").replacing("&#34;", with: "").replacing("\"", with: "")
            parts.append((number, "\"\(bare)\""))
        }
        guard !parts.isEmpty else { throw malformed }
        return parts
    }

    private static func content(of element: String, in text: Substring) -> Substring? {
        guard let start = text.firstRange(of: "<\(element)>"), let end = text.firstRange(of: "</\(element)>"),
            start.upperBound <= end.lowerBound
        else { return nil }
        return text[start.upperBound..<end.lowerBound]
    }
}
