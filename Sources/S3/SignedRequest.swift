import ArtifactModel

/// Makes of an S3 request what travels.
enum SignedRequest {
    static func make(
        _ request: S3Request, body: UnsafeRawBufferPointer, address: BucketAddress, signer: SigV4, keys: SigningKeyCache,
        credentials: Credentials, at time: SigningTime
    ) throws(ArtifactError) -> HTTPRequest {
        let digest =
            switch request.payload {
            case .empty: Digest.sha256OfNothing
            case .signed: hexadecimal(try Digest.sha256(body))
            case .unsigned: SigV4.unsignedPayload
            case .claimed(let digest): digest
            }
        let path = address.path(ofKey: request.key)
        var headers = request.headers
        headers.append(HTTPField("x-amz-content-sha256", digest))
        headers.append(HTTPField("x-amz-date", time.stamp))
        if let token = credentials.sessionToken { headers.append(HTTPField("x-amz-security-token", token.exposed)) }
        // The transport derives the Host header from the URL.
        let signed = SigV4.Request(
            method: request.method.rawValue, path: path, query: request.query,
            headers: headers + [HTTPField("host", address.host)], payloadDigest: digest)
        let key = try keys.key(secret: credentials.secretAccessKey, at: time)
        let authorization = try signer.authorization(of: signed, at: time, accessKeyID: credentials.accessKeyID, key: key)
        headers.append(HTTPField("authorization", authorization))
        return HTTPRequest(
            method: request.method, url: address.url(path: path, query: query(request.query)), headers: headers,
            isSlow: request.operation == "CompleteMultipartUpload",
            // A second one begins a second upload, and nobody learns the id of the first.
            isSentOnce: request.operation == "CreateMultipartUpload")
    }

    /// The query as it travels: a parameter without a value is a bare word, as servers expect of `uploads`.
    private static func query(_ fields: [HTTPField]) -> String {
        fields.map { field in
            let name = field.name.percentEncoded()
            return field.value.isEmpty ? name : "\(name)=\(field.value.percentEncoded())"
        }.joined(separator: "&")
    }
}
