import ArtifactModel

/// The URL of an S3 server as a person configures it: `http(s)://host[:port][/path]`.
struct EndpointURL: Equatable, Sendable, CustomStringConvertible {
    /// Whether the bytes travel over TLS.
    let isTLS: Bool
    /// The host, lower case; an IPv6 address in brackets.
    let host: String
    /// The port; nil for the scheme's own.
    let port: UInt16?
    /// What stands between host and bucket: empty, or with a slash at its start and none at its end.
    let path: String

    /// - Parameter origin: where the text came from, for the error.
    /// - Throws: `invalidRequest`.
    init(_ text: String, origin: String) throws(ArtifactError) {
        func malformed(_ what: String) -> ArtifactError {
            // Not quoted: what is refused here may hold a password.
            ArtifactError(.invalidRequest, "the S3 endpoint from \(origin) \(what); write http://host:port or https://host")
        }
        let rest: String
        if let after = text.dropping(prefix: "https://") {
            (isTLS, rest) = (true, after)
        } else if let after = text.dropping(prefix: "http://") {
            (isTLS, rest) = (false, after)
        } else {
            throw malformed("has neither http:// nor https:// at its start")
        }
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"@?#%\\\"<>".utf8.contains($0) }) else {
            throw malformed("has a user name, a query, or a character that does not belong in it")
        }
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
        // The colons of an IPv6 address stand inside its brackets.
        let hostEnd =
            authority.first == "["
            ? authority.firstIndex(of: "]").map { authority.index(after: $0) } ?? authority.endIndex
            : authority.firstIndex(of: ":") ?? authority.endIndex
        host = authority[..<hostEnd].lowercased()
        guard !host.isEmpty, host.first != "[" || host.last == "]" else { throw malformed("names no host") }
        let afterHost = authority[hostEnd...]
        if afterHost.isEmpty || afterHost == ":" {
            port = nil
        } else {
            guard afterHost.first == ":", let number = UInt16(afterHost.dropFirst()), number > 0 else {
                throw malformed("has a port that is not a number from 1 to 65535")
            }
            // The client leaves the scheme's own port out of the Host header, which is signed.
            port = number == (isTLS ? 443 : 80) ? nil : number
        }
    }

    /// AWS's own endpoint of a region. Source: AWS General Reference, "Amazon S3 endpoints and quotas".
    init(awsRegion region: String) {
        isTLS = true
        host = "s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
        port = nil
        path = ""
    }

    /// The URL, without a slash at its end.
    var description: String { "\(isTLS ? "https" : "http")://\(host)\(port.map { ":\($0)" } ?? "")\(path)" }

    /// Whether the bytes do not leave this machine.
    var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || (host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == 0x2E || $0 < 0x3A })
    }
}
