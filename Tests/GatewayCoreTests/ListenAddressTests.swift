import ArtifactModel
import Testing

@testable import GatewayCore

/// Where the gateway can listen.
struct ListenAddressTests {
    /// Hosts with ports, and Unix sockets, are read; the text comes back.
    @Test(arguments: [
        ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8080)), ("[::1]:0", .tcp(host: "::1", port: 0)),
        ("localhost:1", .tcp(host: "localhost", port: 1)), ("unix:/run/g.sock", .unix(path: "/run/g.sock")),
    ])
    func isRead(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text) == address)
        #expect(address.description == text)
    }

    /// Everything else is refused.
    @Test(arguments: ["", "8080", ":8080", "host:", "host:65536", "host:-1", "::1:80", "unix:", "[::1]"])
    func isRefused(text: String) {
        #expect(throws: ArtifactError.self) { try ListenAddress(text) }
    }

    /// Anonymous callers are for loopback alone, and without them TCP needs tokens.
    @Test func mustTellCallersApart() throws {
        for (text, isLoopback) in [
            ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("localhost:1", true),
            ("0.0.0.0:1", false), ("10.0.0.1:1", false), ("127.0.0.1.example:1", false),
        ] {
            var configuration = GatewayConfiguration()
            configuration.listen = try ListenAddress(text)
            #expect(throws: ArtifactError.self) { try configuration.check() }
            configuration.allowsAnonymousLoopback = true
            if isLoopback {
                #expect(throws: Never.self) { try configuration.check() }
            } else {
                #expect(throws: ArtifactError.self) { try configuration.check() }
            }
            configuration.allowsAnonymousLoopback = false
            configuration.tokens = "/tokens"
            #expect(throws: Never.self) { try configuration.check() }
        }
        var configuration = GatewayConfiguration()
        configuration.listen = .unix(path: "/s")
        #expect(throws: Never.self) { try configuration.check() }
        // Found out at the start, and not by the first download.
        configuration.temporaryDirectory = "/nonexistent"
        #expect(throws: ArtifactError.self) { try configuration.check() }
    }
}
