import ArtifactModel
import CCurl

/// One connection to a server, kept alive: a libcurl easy handle, used by one thread at a time.
///
/// No redirect is followed, so credentials go nowhere else. Nothing is tried twice, but for libcurl's own second try when a
/// kept-alive connection turns out to be closed before a byte was answered; and a request that `isSentOnce` not even so.
final class Transport {
    /// Takes the head of a successful answer and a run of its body; what it throws ends the transfer.
    typealias Sink = (HTTPResponse, UnsafeRawBufferPointer) throws(ArtifactError) -> Void

    /// The longest body that is kept in memory. No answer of S3's is half as long.
    static let maximumBodyBytes = 8 << 20
    /// Above this libcurl sends a body in pieces of its upload buffer, so that a larger one saves calls.
    private static let smallBodyBytes = 64 << 10
    private static let largeUploadBufferBytes = 512 << 10
    /// How long a server may work on a slow request between two signs of life. Completing 10,000 parts takes AWS minutes.
    private static let slowStallTimeoutSeconds = 300

    /// An address for a body without bytes: given none, libcurl would call back for the body.
    private static let noBody: StaticString = ""

    private let handle: UnsafeMutableRawPointer
    /// What libcurl says in words about a failure; it keeps the address.
    private let failureText: UnsafeMutableBufferPointer<CChar>
    private let endpoint: EndpointURL
    private let cut: @Sendable () -> ArtifactError.Code?
    private let stallTimeoutSeconds: Int
    private var hasLargeUploadBuffer = false

    /// - Parameter cut: asked during a transfer, about once a second at least; what is not nil ends it as that.
    init(
        _ settings: S3Settings, endpoint: EndpointURL, cut: @escaping @Sendable () -> ArtifactError.Code?
    ) throws(ArtifactError) {
        try S3.initialize()
        guard let handle = curl_easy_init() else {
            throw ArtifactError(.internalFault, "libcurl gives no handle; the machine may be out of memory")
        }
        self.handle = handle
        failureText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.endpoint = endpoint
        self.cut = cut
        stallTimeoutSeconds = settings.options.stallTimeoutSeconds
        failureText.initialize(repeating: 0)
        try check(ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, failureText.baseAddress))
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        if let caBundle = settings.caBundle { try set(CURLOPT_CAINFO, caBundle) }
        try set(CURLOPT_TCP_NODELAY, 1)
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_CONNECTTIMEOUT_MS, settings.options.connectTimeoutMilliseconds)
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try set(CURLOPT_USERAGENT, "artifactd/\(settings.options.version)")
        try check(ccurl_set_data_callback(handle, CURLOPT_HEADERFUNCTION, Exchange.receiveHeader))
        try check(ccurl_set_data_callback(handle, CURLOPT_WRITEFUNCTION, Exchange.receiveBody))
        try check(ccurl_set_progress_callback(handle, Exchange.watch))
        try set(CURLOPT_NOPROGRESS, 0)
        try check(ccurl_set_prereq_callback(handle, Exchange.begin))
    }

    deinit {
        curl_easy_cleanup(handle)
        failureText.deallocate()
    }

    /// Sends a request and returns the answer, whatever its status.
    /// - Parameter sink: where the body of an answer with a status of 200 to 299 goes instead of into memory.
    /// - Throws: `storeUnavailable` when there is no whole answer, `storeNotTrusted` when the server's certificate does not prove
    ///   who it is, and what `sink` throws.
    func perform(_ request: HTTPRequest, body: UnsafeRawBufferPointer, sink: Sink? = nil) throws(ArtifactError) -> HTTPResponse {
        try set(CURLOPT_URL, request.url)
        try setMethod(request.method, body: body)
        try set(CURLOPT_LOW_SPEED_LIMIT, request.isSlow ? 1 : 1024)
        let patience = request.isSlow ? max(stallTimeoutSeconds, Self.slowStallTimeoutSeconds) : stallTimeoutSeconds
        try set(CURLOPT_LOW_SPEED_TIME, patience)
        let headers = try HeaderList(request.headers)
        defer { curl_slist_free_all(headers.first) }
        try check(ccurl_set_pointer(handle, CURLOPT_HTTPHEADER, headers.first))

        let exchange = Exchange(sink: sink, cut: cut, isSentOnce: request.isSentOnce)
        let result = try withExtendedLifetime(exchange) { () throws(ArtifactError) in
            let context = Unmanaged.passUnretained(exchange).toOpaque()
            try check(ccurl_set_pointer(handle, CURLOPT_HEADERDATA, context))
            try check(ccurl_set_pointer(handle, CURLOPT_WRITEDATA, context))
            try check(ccurl_set_pointer(handle, CURLOPT_XFERINFODATA, context))
            try check(ccurl_set_pointer(handle, CURLOPT_PREREQDATA, context))
            return curl_easy_perform(handle)
        }
        if let failure = exchange.failure { throw failure }
        guard result == CURLE_OK else { throw error(result) }
        return exchange.response
    }

    /// The handle is used again and again, so each request says all that the one before may have changed.
    private func setMethod(_ method: S3Request.Method, body: UnsafeRawBufferPointer) throws(ArtifactError) {
        switch method {
        case .get, .delete: try set(CURLOPT_HTTPGET, 1)
        case .head: try set(CURLOPT_NOBODY, 1)
        case .put, .post:
            try set(CURLOPT_POST, 1)
            try check(ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
            try check(ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress ?? UnsafeRawPointer(Self.noBody.utf8Start)))
            if body.count > Self.smallBodyBytes && !hasLargeUploadBuffer {
                try set(CURLOPT_UPLOAD_BUFFERSIZE, Self.largeUploadBufferBytes)
                hasLargeUploadBuffer = true
            }
        }
        if method == .get || method == .head {
            try check(ccurl_set_pointer(handle, CURLOPT_CUSTOMREQUEST, nil))
        } else {
            try set(CURLOPT_CUSTOMREQUEST, method.rawValue)
        }
    }

    private func set(_ option: CURLoption, _ value: Int) throws(ArtifactError) {
        try check(ccurl_set_long(handle, option, value))
    }

    private func set(_ option: CURLoption, _ value: String) throws(ArtifactError) {
        try check(ccurl_set_string(handle, option, value))
    }

    private func check(_ result: CURLcode) throws(ArtifactError) {
        guard result == CURLE_OK else {
            throw ArtifactError(
                .internalFault, "libcurl refuses a setting; a build of it with TLS, 7.85 or later, is needed",
                cause: String(cString: curl_easy_strerror(result)))
        }
    }

    private func error(_ result: CURLcode) -> ArtifactError {
        let said = failureText.baseAddress.map { String(cString: $0) } ?? ""
        let cause = (said.isEmpty ? String(cString: curl_easy_strerror(result)) : said).escapedForLog
        switch result {
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE:
            return ArtifactError(
                .storeNotTrusted,
                "the certificate of \(endpoint) is not trusted; name its authority's file in AWS_CA_BUNDLE, or correct the host",
                cause: cause)
        case CURLE_OPERATION_TIMEDOUT:
            return ArtifactError(
                .storeUnavailable, "\(endpoint) did not answer or was too slow; check that it can be reached", cause: cause)
        default:
            return ArtifactError(
                .storeUnavailable, "no whole answer from \(endpoint); check that it runs and can be reached", cause: cause)
        }
    }
}

/// The headers in the form that libcurl takes; the owner frees it.
private struct HeaderList {
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    init(_ headers: [HTTPField]) throws(ArtifactError) {
        // libcurl would ask before it sends a large body, and call it a form.
        try append("Expect:")
        if !headers.contains(where: { $0.name == "content-type" }) { try append("Content-Type:") }
        for header in headers { try append("\(header.name): \(header.value)") }
    }

    private mutating func append(_ line: String) throws(ArtifactError) {
        guard let longer = curl_slist_append(first, line) else {
            curl_slist_free_all(first)
            throw ArtifactError(.internalFault, "libcurl cannot take a header; the machine may be out of memory")
        }
        first = longer
    }
}

/// One answer while it arrives. The callbacks throw nothing through libcurl: they keep the error and end the transfer.
private final class Exchange {
    var response = HTTPResponse()
    var failure: ArtifactError?
    private let sink: Transport.Sink?
    private let cut: @Sendable () -> ArtifactError.Code?
    private let isSentOnce: Bool
    private var wasSent = false

    init(sink: Transport.Sink?, cut: @escaping @Sendable () -> ArtifactError.Code?, isSentOnce: Bool) {
        self.sink = sink
        self.cut = cut
        self.isSentOnce = isSentOnce
    }

    /// Called when there is a connection and before the request is sent on it.
    static let begin:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int32, Int32
        ) -> Int32 = { context, _, _, _, _ in
            guard let context else { return CURL_PREREQFUNC_OK }
            return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().maySend()
                ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }

    private func maySend() -> Bool {
        guard wasSent && isSentOnce else {
            wasSent = true
            return true
        }
        failure = ArtifactError(
            .storeUnavailable,
            "the connection ended before the answer came; whether the store has heard the request is not known")
        return false
    }

    /// Called all the time, a stall included: the only way to end a transfer that waits.
    static let watch: @convention(c) (UnsafeMutableRawPointer?, curl_off_t, curl_off_t, curl_off_t, curl_off_t) -> Int32 = {
        context, _, _, _, _ in
        guard let context else { return 0 }
        return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().mayGoOn() ? 0 : 1
    }

    private func mayGoOn() -> Bool {
        guard let code = cut() else { return true }
        failure = ArtifactError(
            code, "the transfer was ended because \(code == .cancelled ? "its upload has ended" : "artifactd is stopping")")
        return false
    }

    static let receiveHeader: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
        start, size, count, context in
        guard let context else { return 0 }
        Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
            .take(header: UnsafeRawBufferPointer(start: start, count: size * count))
        return size * count
    }

    static let receiveBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
        start, size, count, context in
        guard let context else { return 0 }
        let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        do throws(ArtifactError) {
            try exchange.take(body: UnsafeRawBufferPointer(start: start, count: size * count))
            return size * count
        } catch {
            exchange.failure = error
            // Any other number than that of the bytes offered ends the transfer; zero would be all of an empty run.
            return size * count == 0 ? 1 : 0
        }
    }

    private func take(header line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            // An interim answer (100, 103) comes before the real one.
            response = HTTPResponse(status: Int(text.split(separator: " ").dropFirst().first?.prefix(3) ?? "") ?? 0)
            return
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return }
        var value = text[text.utf8.index(after: colon)...]
        while let first = value.first, first.isWhitespace { value.removeFirst() }
        while let last = value.last, last.isWhitespace { value.removeLast() }
        response.headers[text[..<colon].lowercased()] = String(value)
    }

    private func take(body bytes: UnsafeRawBufferPointer) throws(ArtifactError) {
        if let sink, response.isSuccess { return try sink(response, bytes) }
        guard response.body.count + bytes.count <= Transport.maximumBodyBytes else {
            throw ArtifactError(
                .storeUnavailable,
                "the answer is longer than \(Transport.maximumBodyBytes) bytes; check that the endpoint is an S3 server")
        }
        response.body.append(contentsOf: bytes)
    }
}
