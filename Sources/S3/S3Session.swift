import ArtifactModel
import ObjectStore

/// One thread's connection to an S3 server.
final class S3Session: ObjectStoreSession {
    private let store: S3Store
    private var transport: Transport?

    init(store: S3Store) { self.store = store }

    func integrity() throws(ArtifactError) -> Integrity {
        try store.integrity { () throws(ArtifactError) in try findIntegrity() }
    }

    // MARK: Objects

    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject {
        let integrity = try integrity()
        let request = try S3Request.put(
            object, key: store.fullKey(object.key.text), proof: try proof(integrity, check: check, body: body))
        let response = try succeed(request, body: body)
        let stored = StoredObject(etag: try etag(of: response, to: request), checksum: Self.checksum(of: response))
        try compare(stored.checksum, with: check, of: request)
        guard integrity == .unverified else { return stored }
        return try confirm(object.key, size: UInt64(body.count), check: check)
    }

    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo? {
        let request = S3Request.head(key: store.fullKey(key.text))
        do {
            return try info(of: try succeed(request), to: request)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    func get(
        _ key: ObjectKey, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        let request = S3Request.get(key: store.fullKey(key.text))
        try withoutActuallyEscaping(receive) { (receive) throws(ArtifactError) in
            var info: ObjectInfo?
            func begun(_ response: HTTPResponse) throws(ArtifactError) -> ObjectInfo {
                if let info { return info }
                let found = try self.info(of: response, to: request)
                info = found
                try receive(found, UnsafeRawBufferPointer(start: nil, count: 0))
                return found
            }
            let response = try succeed(request) { (response, bytes) throws(ArtifactError) in
                try receive(try begun(response), bytes)
            }
            // An empty object has a head and no run of bytes.
            _ = try begun(response)
        }
    }

    func delete(_ key: ObjectKey) throws(ArtifactError) {
        do {
            _ = try succeed(.delete(key: store.fullKey(key.text)))
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
            let response = try succeed(request)
            guard let page = Listing.Objects(body: response.body) else { throw garbled(request) }
            var entries: [ListPage.Entry] = []
            for var entry in page.entries {
                guard let key = store.prefix.isEmpty ? entry.key : entry.key.dropping(prefix: "\(store.prefix)/") else {
                    throw garbled(request)
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
            guard page.isTruncated, let next = page.token, next != token else { return ListPage(entries: [], next: nil) }
            token = next
        }
    }

    // MARK: Multipart uploads

    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String {
        let request = try S3Request.createUpload(
            object, key: store.fullKey(object.key.text), algorithm: try integrity().crc)
        return try uploadID(of: try succeed(request), to: request)
    }

    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt {
        let request = S3Request.uploadPart(
            key: store.fullKey(part.key.text), uploadID: part.uploadID, number: part.number,
            proof: try proof(try integrity(), check: part.check, body: body))
        let response = try succeed(request, body: body)
        try compare(Self.checksum(of: response), with: part.check, of: request)
        return PartReceipt(
            number: part.number, size: UInt64(body.count), etag: try etag(of: response, to: request), check: part.check)
    }

    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart] {
        var parts: [ListedPart] = []
        var marker = 0
        while true {
            let request = S3Request.listParts(key: store.fullKey(key.text), uploadID: uploadID, after: marker)
            guard let page = Listing.Parts(body: try succeed(request).body) else { throw garbled(request) }
            parts += page.parts
            guard let next = page.next else { return parts.sorted { $0.number < $1.number } }
            guard next > marker else { throw garbled(request) }
            marker = next
        }
    }

    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject {
        let request = S3Request.completeUpload(
            key: store.fullKey(key.text), uploadID: uploadID, parts: parts, check: check)
        let response = try succeed(request)
        switch CompleteAnswer(body: response.body) {
        case .completed: break
        case .failed(let code, let message):
            // The status promised success before the work was done; a failure of the server is what is left of it.
            throw failure(S3Failure(status: 500, code: code, message: message), of: request)
        case .unknown:
            throw ArtifactError(
                .storeUnavailable,
                "\(request.operation) of \(subject(request).escapedForLog) at \(store.address.endpoint) was cut off: "
                    + "the object may be there or not; look before trying again")
        }
        return try confirm(key, size: parts.reduce(0) { $0 + $1.size }, check: check)
    }

    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError) {
        do {
            _ = try succeed(.abortUpload(key: store.fullKey(key.text), uploadID: uploadID))
        } catch {
            if error.code != .noSuchUpload { throw error }
        }
    }

    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload] {
        let fullKey = store.fullKey(key.text)
        var uploads: [ListedUpload] = []
        var marker: (key: String, uploadID: String)?
        while true {
            let request = S3Request.listUploads(prefix: fullKey, after: marker)
            guard let page = Listing.Uploads(body: try succeed(request).body) else { throw garbled(request) }
            uploads += page.uploads.filter { $0.key.utf8.elementsEqual(fullKey.utf8) }.map(\.upload)
            guard let next = page.next else { return uploads }
            if let marker, marker == next { throw garbled(request) }
            marker = next
        }
    }

    // MARK: What the endpoint verifies

    private func findIntegrity() throws(ArtifactError) -> Integrity {
        let setting = store.settings.options.integrity
        for candidate in setting.candidates where try verifies(candidate) { return candidate }
        if setting == .auto { return .unverified }
        throw ArtifactError(
            .storeRejected,
            "the configuration asks for the integrity '\(setting.rawValue)', and \(store.address.endpoint) does not verify it "
                + "in the bucket \(store.bucket); set integrity to auto or to what the endpoint verifies")
    }

    private func verifies(_ integrity: Integrity) throws(ArtifactError) -> Bool {
        let probe = IntegrityProbe(integrity: integrity)
        let key = ObjectDescription(
            key: try ObjectKey(IntegrityProbe.key(random: .random(in: 0 ... .max))), contentType: "application/octet-stream",
            encoding: .identity, metadata: [])
        let fullKey = store.fullKey(key.key.text)
        let create = try S3Request.createUpload(key, key: fullKey, algorithm: integrity.crc)
        let begun = try answer(to: create)
        switch IntegrityProbe.judge(right: refusal(begun)) {
        case .taken: break
        case .unknown: return false
        case .failed: throw failure(of: begun, to: create)
        }
        let uploadID = try uploadID(of: begun, to: create)
        let verdict: Bool
        do {
            verdict = try verifies(probe, key: fullKey, uploadID: uploadID)
        } catch {
            // What went wrong first is what is told; that the abort fails too adds nothing.
            do { try abortUpload(key: key.key, uploadID: uploadID) } catch _ {}
            throw error
        }
        try abortUpload(key: key.key, uploadID: uploadID)
        return verdict
    }

    private func verifies(_ probe: IntegrityProbe, key: String, uploadID: String) throws(ArtifactError) -> Bool {
        let bytes = IntegrityProbe.body
        return try bytes.span.bytes.withUnsafeBytes { (body) throws(ArtifactError) in
            let right = try probe.request(key: key, uploadID: uploadID, isRight: true)
            let taken = try answer(to: right, body: body)
            switch IntegrityProbe.judge(right: refusal(taken)) {
            case .taken: break
            case .unknown: return false
            case .failed: throw failure(of: taken, to: right)
            }
            let wrong = try probe.request(key: key, uploadID: uploadID, isRight: false)
            let refused = try answer(to: wrong, body: body)
            guard let verdict = IntegrityProbe.judge(wrong: refusal(refused)) else { throw failure(of: refused, to: wrong) }
            return verdict
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
        let uri = subject(request).escapedForLog
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
                "the store's checksum of \(subject(request).escapedForLog) is \(value.escapedForLog), "
                    + "and \(check.base64) was sent; it must be sent again")
        }
    }

    private static func checksum(of response: HTTPResponse) -> String? {
        FullChecksum.found { response.headers["x-amz-checksum-\($0)"] }
    }

    private func etag(of response: HTTPResponse, to request: S3Request) throws(ArtifactError) -> String {
        guard let etag = response.headers["etag"], !etag.isEmpty else { throw garbled(request) }
        return etag
    }

    private func uploadID(of response: HTTPResponse, to request: S3Request) throws(ArtifactError) -> String {
        guard let id = AnswerElement(parsing: response.body)?["UploadId"]?.text, !id.isEmpty else { throw garbled(request) }
        return id
    }

    private func info(of response: HTTPResponse, to request: S3Request) throws(ArtifactError) -> ObjectInfo {
        guard let size = response.headers["content-length"].flatMap({ UInt64($0) }) else { throw garbled(request) }
        // A client that signs in chunks leaves its own coding behind on some servers.
        let value = response.headers["content-encoding"] ?? ""
        let codings = value.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
        let coding = codings.filter { $0 != "aws-chunked" && $0 != "identity" }
        guard coding.count <= 1, let encoding = ContentEncoding(name: coding.first ?? "identity") else {
            throw ArtifactError(
                .corruptObject,
                "\(subject(request).escapedForLog) is encoded as '\(coding.joined(separator: ", ").escapedForLog)', "
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

    // MARK: Sending

    /// The answer to a request that succeeded; anything else is thrown.
    private func succeed(
        _ request: S3Request, body: UnsafeRawBufferPointer? = nil, sink: Transport.Sink? = nil
    ) throws(ArtifactError) -> HTTPResponse {
        let response = try answer(to: request, body: body, sink: sink)
        guard response.isSuccess else { throw failure(of: response, to: request) }
        return response
    }

    /// The answer to a request, whatever it says; tried again once when the clocks differ, and once when there are other
    /// credentials than those that the store refused.
    private func answer(
        to request: S3Request, body: UnsafeRawBufferPointer? = nil, sink: Transport.Sink? = nil
    ) throws(ArtifactError) -> HTTPResponse {
        guard let body else {
            return try request.body.span.bytes.withUnsafeBytes { (body) throws(ArtifactError) in
                try answer(to: request, body: body, sink: sink)
            }
        }
        var mayLearnTime = true
        var mayReload = true
        while true {
            let credentials = try store.credentials.current()
            let signed = try SignedRequest.make(
                request, body: body, address: store.address, signer: store.signer, keys: store.signingKeys,
                credentials: credentials, at: SigningTime(unixSeconds: store.now))
            let response = try connection().perform(signed, body: body, sink: sink)
            guard let refusal = refusal(response) else { return response }
            if mayLearnTime, let serverTime = skewedTime(of: response, refusal) {
                mayLearnTime = false
                store.learn(serverTime: serverTime)
            } else if mayReload, refusal.concernsCredentials, try store.credentials.reload(refused: credentials) {
                mayReload = false
            } else {
                return response
            }
        }
    }

    /// The server's time, when the request was refused because of it.
    ///
    /// The answer to a HEAD has no body to say so; there a difference of minutes is taken for the reason.
    private func skewedTime(of response: HTTPResponse, _ refusal: S3Failure) -> Int? {
        guard let time = response.headers["date"].flatMap({ AnswerTime.unixSeconds(httpDate: $0) }) else { return nil }
        let isUnexplained = refusal.status == 403 && refusal.code.isEmpty && abs(time - store.now) > 300
        return refusal.isSkew || isUnexplained ? time : nil
    }

    private func connection() throws(ArtifactError) -> Transport {
        if let transport { return transport }
        let new = try Transport(store.settings, endpoint: store.address.endpoint)
        transport = new
        return new
    }

    // MARK: Failures

    private func refusal(_ response: HTTPResponse) -> S3Failure? {
        response.isSuccess ? nil : S3Failure(response, now: store.now)
    }

    private func failure(of response: HTTPResponse, to request: S3Request) -> ArtifactError {
        failure(S3Failure(response, now: store.now), of: request)
    }

    private func failure(_ failure: S3Failure, of request: S3Request) -> ArtifactError {
        failure.error(for: request, subject: subject(request), endpoint: store.address.endpoint)
    }

    /// An answer of success that does not say what it must.
    private func garbled(_ request: S3Request) -> ArtifactError {
        ArtifactError(
            .storeUnavailable,
            "the answer to \(request.operation) of \(subject(request).escapedForLog) from \(store.address.endpoint) "
                + "is not what S3 answers; check that the endpoint is an S3 server")
    }

    /// The URI of what a request is about.
    private func subject(_ request: S3Request) -> String {
        request.key.map { "s3://\(store.bucket)/\($0)" } ?? "s3://\(store.bucket)"
    }
}
