import ArtifactModel
import ObjectStore

/// Sends requests to a store's server over one connection, and says what an answer means.
final class S3Connection {
    let store: S3Store
    private let isCut: @Sendable () -> Bool
    private var transport: Transport?

    /// - Parameter isCut: as in `ObjectStore.makeSession(isCut:)`.
    init(store: S3Store, isCut: @escaping @Sendable () -> Bool) {
        self.store = store
        self.isCut = isCut
    }

    /// The answer to a request that succeeded; anything else is thrown.
    func succeed(
        _ request: S3Request, body: UnsafeRawBufferPointer? = nil, sink: Transport.Sink? = nil
    ) throws(ArtifactError) -> HTTPResponse {
        let response = try answer(to: request, body: body, sink: sink)
        guard response.isSuccess else { throw failure(of: response, to: request) }
        return response
    }

    /// The answer to a request, whatever it says; tried again once when the clocks differ, and once when there are other
    /// credentials than those that the store refused.
    func answer(
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
            let response = try readyTransport().perform(signed, body: body, sink: sink)
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

    private func readyTransport() throws(ArtifactError) -> Transport {
        if let transport { return transport }
        let new = try Transport(store.settings, endpoint: store.address.endpoint) { [store, isCut] in
            if store.isCut() { return .shuttingDown }
            return isCut() ? .cancelled : nil
        }
        transport = new
        return new
    }

    /// The refusal that an answer is; nil for an answer of success.
    func refusal(_ response: HTTPResponse) -> S3Failure? {
        response.isSuccess ? nil : S3Failure(response, now: store.now)
    }

    /// The error that a refusal is to the caller.
    func failure(of response: HTTPResponse, to request: S3Request) -> ArtifactError {
        failure(S3Failure(response, now: store.now), of: request)
    }

    func failure(_ failure: S3Failure, of request: S3Request) -> ArtifactError {
        failure.error(for: request, subject: subject(request), endpoint: store.address.endpoint)
    }

    /// An answer of success that does not say what it must.
    func garbled(_ request: S3Request) -> ArtifactError {
        ArtifactError(
            .storeUnavailable,
            "the answer to \(request.operation) of \(subject(request).escapedForLog) from \(store.address.endpoint) "
                + "is not what S3 answers; check that the endpoint is an S3 server")
    }

    /// The URI of what a request is about.
    func subject(_ request: S3Request) -> String {
        request.key.map { "s3://\(store.bucket)/\($0)" } ?? "s3://\(store.bucket)"
    }

    /// The id in the answer to CreateMultipartUpload.
    func uploadID(of response: HTTPResponse, to request: S3Request) throws(ArtifactError) -> String {
        guard let id = AnswerElement(parsing: response.body)?["UploadId"]?.text, !id.isEmpty else { throw garbled(request) }
        return id
    }

    /// Gives a multipart upload up; one that the store does not know is gone already.
    func abort(key: String, uploadID: String) throws(ArtifactError) {
        do {
            _ = try succeed(.abortUpload(key: key, uploadID: uploadID))
        } catch {
            if error.code != .noSuchUpload { throw error }
        }
    }
}
