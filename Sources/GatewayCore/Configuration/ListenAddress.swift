public import ArtifactModel

/// Where the gateway takes connections.
public enum ListenAddress: Sendable, Equatable {
    /// A host's name or address, without brackets, and a port.
    case tcp(host: String, port: Int)
    /// The path of a Unix socket.
    case unix(path: String)

    /// An address from its text: `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/gateway.sock`.
    /// - Throws: `invalidRequest` that shows the forms.
    public init(_ text: String) throws(ArtifactError) {
        if text.hasPrefix("unix:"), text.utf8.count > 5 {
            self = .unix(path: String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else {
            throw Self.refusal(of: text)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw Self.refusal(of: text)
        }
        guard !host.isEmpty else { throw Self.refusal(of: text) }
        self = .tcp(host: String(host), port: port)
    }

    /// Whether only this machine can connect.
    var isLoopback: Bool {
        guard case .tcp(let host, _) = self else { return false }
        return host == "localhost" || host == "::1" || Self.isLoopbackIPv4(host)
    }

    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && !numbers.contains(nil) && numbers[0] == 127
    }

    private static func refusal(of text: String) -> ArtifactError {
        ArtifactError(
            .invalidRequest, "'\(text.escapedForLog)' is no address; write HOST:PORT, [IPv6]:PORT or unix:PATH")
    }
}

extension ListenAddress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
