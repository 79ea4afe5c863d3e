/// Whole objects.
extension Server {
    /// Does what the request asks for and answers it.
    func handle(_ request: Request, _ body: Body) -> Response {
        do throws(Response) {
            try check(request, body)
            switch request.operation {
            case .put: return try put(request, body)
            case .create: return create(request)
            case .part: return try part(request, body)
            case .complete: return try complete(request, body)
            case .abort: return try abort(request)
            case .head, .get: return try get(request)
            case .delete:
                state.withLock { _ = $0.objects.removeValue(forKey: request.name) }
                return Response(status: 204)
            case .list: return list(request)
            case .listparts: return try listParts(request)
            case .listuploads: return listUploads(request)
            case .bucket: return Response(status: 200)
            case .unknown: return .error(501, "NotImplemented", "null-s3 does not know this request.")
            }
        } catch {
            return error
        }
    }

    private func check(_ request: Request, _ body: Body) throws(Response) {
        guard request.headers["x-amz-content-sha256"]?.hasPrefix("STREAMING-") != true else {
            throw .error(501, "NotImplemented", "null-s3 does not know aws-chunked bodies.")
        }
        guard [.put, .part].contains(request.operation), let given = request.headers["x-amz-checksum-crc32c"] else { return }
        if let bytes = body.bytes { try Self.check(bytes, against: given) }
    }

    static func check(_ bytes: [UInt8], against given: String) throws(Response) {
        guard CRC32C.base64(bytes) == given else {
            throw .error(400, "BadDigest", "The CRC32C you specified did not match the calculated checksum.")
        }
    }

    private func put(_ request: Request, _ body: Body) throws(Response) -> Response {
        let crc = request.headers["x-amz-checksum-crc32c"]
        let object = try store(
            Object(size: body.size, bytes: body.bytes(if: options.keepsBodies), etag: "", crc32c: crc, headers: kept(request)),
            for: request)
        return Response(status: 200, headers: receipt(of: object))
    }

    /// Puts the object in its place, gives it a tag where it has none, and honours `If-None-Match: *`.
    func store(_ object: Object, for request: Request) throws(Response) -> Object {
        let stored: Object? = state.withLock { state in
            guard request.headers["if-none-match"] != "*" || state.objects[request.name] == nil else { return nil }
            var object = object
            if object.etag.isEmpty { object.etag = "\"\(state.nextIdentifier())\"" }
            state.objects[request.name] = object
            return object
        }
        guard let stored else {
            throw .error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        }
        return stored
    }

    /// The tag and the checksum that answer a PUT.
    func receipt(of object: Object) -> [(name: String, value: String)] {
        [("ETag", object.etag)] + (object.crc32c.map { [("x-amz-checksum-crc32c", $0)] } ?? [])
    }

    func kept(_ request: Request) -> [(name: String, value: String)] {
        request.headers.filter { $0.key.hasPrefix("x-amz-meta-") || Object.keptHeaders.contains($0.key) }
            .map { (name: $0.key, value: $0.value) }
    }

    private func get(_ request: Request) throws(Response) -> Response {
        guard let object = state.withLock({ $0.objects[request.name] }) else { throw .noSuchKey }
        var response = Response(status: 200, headers: object.headers + [("ETag", object.etag), ("Accept-Ranges", "bytes")])
        response.headers.append(("Last-Modified", formatted(object.modified, "%a, %d %b %Y %H:%M:%S GMT")))
        // S3 returns the checksum only to those who ask for it.
        if let crc = object.crc32c, request.headers["x-amz-checksum-mode"]?.uppercased() == "ENABLED" {
            response.headers += [("x-amz-checksum-crc32c", crc), ("x-amz-checksum-type", "FULL_OBJECT")]
        }
        var range = 0..<object.size
        if let text = request.headers["range"] {
            guard let wanted = Self.range(text, of: object.size) else {
                throw .error(416, "InvalidRange", "The requested range is not satisfiable")
            }
            range = wanted
            response.status = 206
            response.headers.append(("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(object.size)"))
        }
        response.body = object.bytes.map { .bytes(Array($0[range])) } ?? .zeros(range.count)
        return response
    }

    /// `bytes=A-B`, `bytes=A-` or `bytes=-LENGTH`; nil for what lies outside or is none of these.
    private static func range(_ text: String, of size: Int) -> Range<Int>? {
        guard text.hasPrefix("bytes=") else { return nil }
        let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        guard let first = Int(ends[0]) else {
            return Int(ends[1]).flatMap { $0 > 0 && size > 0 ? max(0, size - $0)..<size : nil }
        }
        guard let last = ends[1].isEmpty ? size - 1 : Int(ends[1]), first < size, first <= last else { return nil }
        return first..<min(last + 1, size)
    }
}

extension Body {
    /// The bytes, when they are to be kept.
    func bytes(if kept: Bool) -> [UInt8]? { kept ? bytes : nil }
}
