import ArtifactModel
import Glibc
import HTTPTypes
import LinuxSystem
import NIOCore

/// Finds out who sends a request.
struct Authenticator: Sendable {
    private let listen: ListenAddress
    private let tokens: TokenStore?
    private let allowsAnonymous: Bool
    private let peers: [PeerRule]

    init(_ configuration: GatewayConfiguration, tokens: TokenStore?) {
        listen = configuration.listen
        allowsAnonymous = configuration.allowsAnonymousLoopback
        peers = configuration.peers
        self.tokens = tokens
    }

    /// The sender of a request with these headers over this connection.
    /// - Throws: `unauthorized` without a token that counts; `forbidden` where a user may do nothing here.
    func caller(_ headers: HTTPFields, _ channel: any Channel) async throws -> Caller {
        if case .unix = listen { return try user(try await PeerCredentials.of(channel)) }
        if let header = headers[.authorization] { return try holder(of: header) }
        guard allowsAnonymous else {
            throw APIError(.unauthorized, "send a token: Authorization: Bearer TOKEN")
        }
        // A page that somebody's browser shows must not act in their name: browsers say whose page asks.
        guard headers[.origin] == nil else {
            throw APIError(.forbidden, "requests of web pages need a token; start the gateway with a file of tokens")
        }
        return Caller(name: "anonymous", tenants: .any)
    }

    private func holder(of header: String) throws -> Caller {
        let words = header.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer", let caller = try tokens?.caller(of: String(words[1])) else {
            throw APIError(.unauthorized, "this token is not valid here")
        }
        return caller
    }

    /// As the daemon: root and the gateway's own user may act for any tenant.
    private func user(_ user: PeerCredentials) throws(APIError) -> Caller {
        let name = "uid-\(user.uid)"
        if user.uid == 0 || user.uid == System.effectiveUserID() { return Caller(name: name, tenants: .any) }
        let matching = peers.filter { rule in
            switch rule.subject {
            case .user(let uid): uid == user.uid
            case .group(let gid): gid == user.gid || user.groups.contains(gid)
            }
        }
        guard !matching.isEmpty else {
            throw APIError(.forbidden, "uid \(user.uid) may not use this gateway; an administrator can allow it under 'peers:'")
        }
        if matching.contains(where: { $0.tenants == .any }) { return Caller(name: name, tenants: .any) }
        var names: [String] = []
        for case .these(let more) in matching.map(\.tenants) { names += more }
        return Caller(name: name, tenants: .these(names))
    }
}

extension PeerCredentials {
    /// Those of the client of a connection over a Unix socket. They are the kernel's note of when it connected, whenever it is
    /// asked.
    fileprivate static func of(_ channel: any Channel) async throws -> PeerCredentials {
        let credentials = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
                try PeerCredentials(of: socket)
            }
        }.get()
        guard let credentials else { throw APIError(.internalError, "the connection does not say who made it") }
        return credentials
    }
}
