import ArtifactModel
import ObjectStore

/// One thread's connection to an S3 server.
final class S3Session: ObjectStoreSession {
    private let connection: S3Connection
    private var store: S3Store { connection.store }

    init(_ connection: S3Connection) { self.connection = connection }

    func integrity() throws(ArtifactError) -> Integrity {
        try store.integrity { () throws(ArtifactError) in try IntegrityFinder(connection: connection).find() }
    }

    // MARK: Objects

    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject {
        try put(object, body: body, check: check, ifAbsent: false)
    }

    func putIfAbsent(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?
    ) throws(ArtifactError) -> StoredObject? {
        try object.requirePlain()
        // A server that ignores the condition then replaces an object only when two writers come within moments of each other.
        guard try head(object.key) == nil else { return nil }
        do throws(ArtifactError) {
            return try put(object, body: body, check: check, ifAbsent: true)
        } catch {
            guard error.code == .preconditionFailed else { throw error }
            return nil
        }
    }

    private func put(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?, ifAbsent: Bool
    ) throws(ArtifactError) -> StoredObject {
        let integrity = try integrity()
        let request = try S3Request.put(
            object, key: store.fullKey(object.key.text), proof: try proof(integrity, check: check, body: body), ifAbsent: ifAbsent
        )
        let response = try connection.succeed(request, body: body)
        let stored = StoredObject(etag: try etag(of: response, to: request), checksum: Self.checksum(of: response))
        try compare(stored.checksum, with: check, of: request)
        guard integrity == .unverified else { return stored }
        return try confirm(object.key, size: UInt64(body.count), check: check)
    }

    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo? {
        let request = S3Request.head(key: store.fullKey(key.text))
        do {
            return try info(of: try connection.succeed(request), to: request)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    func get(
        _ key: ObjectKey, range: Range<UInt64>?, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        if let range, range.isEmpty { return try receiveInfo(of: key, receive) }
        let request = S3Request.get(key: store.fullKey(key.text), range: range)
        let response = try withoutActuallyEscaping(receive) { (receive) throws(ArtifactError) in
            try read(request, range, receive)
        }
        if response.status == 416, let range {
            return try receiveInfo(of: key) { (info, nothing) throws(ArtifactError) in
                guard info.size <= range.lowerBound else {
                    throw ArtifactError(
                        .storeUnavailable,
                        "\(connection.subject(request).escapedForLog) was replaced while it was read; read it again")
                }
                try receive(info, nothing)
            }
        }
        if !response.isSuccess { throw connection.failure(of: response, to: request) }
    }

    /// Sends a request for an object's bytes and hands over what was asked for, if it is a success.
    private func read(
        _ request: S3Request, _ range: Range<UInt64>?,
        _ receive: @escaping (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) -> HTTPResponse {
        var reading: ObjectReading?
        var isDone = false
        func take(_ response: HTTPResponse, _ bytes: UnsafeRawBufferPointer) throws(ArtifactError) {
            var current: ObjectReading
            if let reading {
                current = reading
            } else {
                current = try begin(response, to: request, range)
                try receive(current.info, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            let run = current.take(bytes)
            reading = current
            if !run.isEmpty { try receive(current.info, run) }
            // A server that knows no ranges would go on to the object's end.
            isDone = current.isComplete
            if isDone { throw ArtifactError(.cancelled, "the rest of the object is not wanted") }
        }
        do throws(ArtifactError) {
            let response = try connection.answer(to: request) { (response, bytes) throws(ArtifactError) in
                try take(response, bytes)
            }
            guard response.isSuccess else { return response }
            // An empty object has a head and no run of bytes.
            try take(response, UnsafeRawBufferPointer(start: nil, count: 0))
            guard reading?.missing == 0 else { throw connection.garbled(request) }
            return response
        } catch {
            guard isDone else { throw error }
            return HTTPResponse(status: 200)
        }
    }

    /// What the head of an answer says about the object and the bytes that follow.
    private func begin(
        _ response: HTTPResponse, to request: S3Request, _ range: Range<UInt64>?
    ) throws(ArtifactError) -> ObjectReading {
        var info = try info(of: response, to: request)
        var held: Range<UInt64>?
        if response.status == 206 {
            guard let content = response.headers["content-range"].flatMap(ContentRange.init) else {
                throw connection.garbled(request)
            }
            info.size = content.size
            // What a server sends of a part may be the part's own.
            info.checksum = nil
            held = content.bytes
        }
        guard let reading = ObjectReading(info, range: range, held: held) else { throw connection.garbled(request) }
        return reading
    }

    /// Hands over what is known of an object, and none of its bytes.
    private func receiveInfo(
        of key: ObjectKey, _ receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        let request = S3Request.head(key: store.fullKey(key.text))
        try receive(
            try info(of: try connection.succeed(request), to: request), UnsafeRawBufferPointer(start: nil, count: 0))
    }

    func delete(_ key: ObjectKey) throws(ArtifactError) {
        do {
            _ = try connection.succeed(.delete(key: store.fullKey(key.text)))
        } catch {
            if error.code != .notFound { throw error }
        }
    }

    func list(prefix: String, after: String?, limit: Int) throws(ArtifactError) -> ListPage {
        var token: String?
        while true {
            let request = S3Request.list(
                prefix: store.prefix.isEmpty ? prefix : store.fullKey(prefix), after: after.map(store.fullKey), token: token,
                limit: limit)
            let response = try connection.succeed(request)
            guard let page = Listing.Objects(body: response.body) else { throw connection.garbled(request) }
            var entries: [ListPage.Entry] = []
            for var entry in page.entries {
                guard let key = store.prefix.isEmpty ? entry.key : entry.key.dropping(prefix: "\(store.prefix)/") else {
                    throw connection.garbled(request)
                }
                entry.key = key
                entries.append(entry)
            }
            // The last key rather than the store's token: it is still good after a restart of either side.
            if let last = entries.last {
                // S3 sorts so by itself; a server that keeps real directories does not, and goes on by its own order.
                entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                return ListPage(entries: entries, next: page.isTruncated ? last.key : nil)
            }
            guard page.isTruncated else { return ListPage(entries: [], next: nil) }
            guard let next = page.token, next != token else { throw connection.garbled(request) }
            token = next
        }
    }

    // MARK: Multipart uploads

    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String {
        let request = try S3Request.createUpload(
            object, key: store.fullKey(object.key.text), algorithm: try integrity().crc)
        return try connection.uploadID(of: try connection.succeed(request), to: request)
    }

    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt {
        let request = S3Request.uploadPart(
            key: store.fullKey(part.key.text), uploadID: part.uploadID, number: part.number,
            proof: try proof(try integrity(), check: part.check, body: body))
        let response = try connection.succeed(request, body: body)
        try compare(Self.checksum(of: response), with: part.check, of: request)
        return PartReceipt(
            number: part.number, size: UInt64(body.count), etag: try etag(of: response, to: request), check: part.check)
    }

    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart] {
        var parts: [ListedPart] = []
        var marker = 0
        while true {
            let request = S3Request.listParts(key: store.fullKey(key.text), uploadID: uploadID, after: marker)
            guard let page = Listing.Parts(body: try connection.succeed(request).body) else { throw connection.garbled(request) }
            parts += page.parts
            guard let next = page.next else { return parts.sorted { $0.number < $1.number } }
            guard next > marker else { throw connection.garbled(request) }
            marker = next
        }
    }

    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject {
        let request = S3Request.completeUpload(
            key: store.fullKey(key.text), uploadID: uploadID, parts: parts, check: check)
        let answered: String?
        switch CompleteAnswer(body: try connection.succeed(request).body) {
        case .completed(let checksum):
            try compare(checksum, with: check, of: request)
            answered = checksum
        case .failed(let code, let message):
            // The status promised success before the work was done; a failure of the server is what is left of it.
            throw connection.failure(S3Failure(status: 500, code: code, message: message), of: request)
        case .unknown:
            throw ArtifactError(
                .storeUnavailable,
                "\(request.operation) of \(connection.subject(request).escapedForLog) at \(store.address.endpoint) was cut off: "
                    + "the object may be there or not; look before trying again")
        }
        var stored = try confirm(key, size: parts.reduce(0) { $0 + $1.size }, check: check)
        stored.checksum = stored.checksum ?? answered
        return stored
    }

    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError) {
        try connection.abort(key: store.fullKey(key.text), uploadID: uploadID)
    }

    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload] {
        let fullKey = store.fullKey(key.text)
        var uploads: [ListedUpload] = []
        var marker: (key: String, uploadID: String)?
        while true {
            let request = S3Request.listUploads(prefix: fullKey, after: marker)
            guard let page = Listing.Uploads(body: try connection.succeed(request).body) else {
                throw connection.garbled(request)
            }
            uploads += page.uploads.filter { $0.key.utf8.elementsEqual(fullKey.utf8) }.map(\.upload)
            guard let next = page.next else { return uploads }
            if let marker, marker == next { throw connection.garbled(request) }
            marker = next
        }
    }

    private func proof(
        _ integrity: Integrity, check: CRC?, body: UnsafeRawBufferPointer
    ) throws(ArtifactError) -> BodyProof {
        let signsBodies = store.settings.options.payloadSigning.signsBodies(
            integrity: integrity, endpoint: store.address.endpoint)
        return try BodyProof(integrity: integrity, check: check, body: body, signsBodies: signsBodies)
    }

    // MARK: Reading answers

    /// Asks the store what it has, right after it said that the object is complete.
    private func confirm(_ key: ObjectKey, size: UInt64, check: CRC?) throws(ArtifactError) -> StoredObject {
        let request = S3Request.head(key: store.fullKey(key.text))
        let uri = connection.subject(request).escapedForLog
        guard let info = try head(key) else {
            throw ArtifactError(
                .storeUnavailable, "\(store.address.endpoint) said that \(uri) is complete, and does not find it; look again")
        }
        guard info.size == size else {
            throw ArtifactError(
                .checksumMismatch, "\(uri) has \(info.size) bytes in the store, and \(size) were sent; it must be sent again")
        }
        try compare(info.checksum, with: check, of: request)
        return StoredObject(etag: info.etag, checksum: info.checksum)
    }

    /// What the store computed must be what was sent, where both are in one algorithm.
    private func compare(_ answered: String?, with check: CRC?, of request: S3Request) throws(ArtifactError) {
        guard let check, let value = answered?.dropping(prefix: "\(check.algorithm.integrity.rawValue):") else { return }
        guard value == check.base64 else {
            throw ArtifactError(
                .checksumMismatch,
                "the store's checksum of \(connection.subject(request).escapedForLog) is \(value.escapedForLog), "
                    + "and \(check.base64) was sent; it must be sent again")
        }
    }

    private static func checksum(of response: HTTPResponse) -> String? {
        FullChecksum.found { response.headers["x-amz-checksum-\($0)"] }
    }

    private func etag(of response: HTTPResponse, to request: S3Request) throws(ArtifactError) -> String {
        guard let etag = response.headers["etag"], !etag.isEmpty else { throw connection.garbled(request) }
        return etag
    }

    private func info(of response: HTTPResponse, to request: S3Request) throws(ArtifactError) -> ObjectInfo {
        guard let size = response.headers["content-length"].flatMap({ UInt64($0) }) else { throw connection.garbled(request) }
        // A client that signs in chunks leaves its own coding behind on some servers.
        let value = response.headers["content-encoding"] ?? ""
        let codings = value.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
        let coding = codings.filter { $0 != "aws-chunked" && $0 != "identity" }
        guard coding.count <= 1, let encoding = ContentEncoding(name: coding.first ?? "identity") else {
            throw ArtifactError(
                .corruptObject,
                "\(connection.subject(request).escapedForLog) is encoded as '\(coding.joined(separator: ", ").escapedForLog)', "
                    + "which artifactd does not decode; read it with the tool that wrote it")
        }
        var metadata: [String: String] = [:]
        for (name, value) in response.headers {
            if let name = name.dropping(prefix: "x-amz-meta-") { metadata[name] = value.percentDecoded() ?? value }
        }
        let modified = response.headers["last-modified"].flatMap { AnswerTime.unixSeconds(httpDate: $0) }
        return ObjectInfo(
            size: size, etag: response.headers["etag"] ?? "",
            contentType: response.headers["content-type"] ?? "application/octet-stream", encoding: encoding, metadata: metadata,
            checksum: Self.checksum(of: response), modifiedAt: modified.map { Int64($0) * 1000 })
    }
}
