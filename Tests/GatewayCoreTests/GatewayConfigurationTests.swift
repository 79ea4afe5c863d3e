import ArtifactModel
import Testing

@testable import GatewayCore

/// The configuration file.
struct GatewayConfigurationTests {
    /// Every key is read; what is not named keeps its default.
    @Test func readsEveryKey() throws {
        let configuration = try GatewayConfiguration(
            yaml: """
                socket: /s
                listen: unix:/g
                tokens: /t
                allow_anonymous_loopback: true
                peers:
                  - {uid: 1001, tenants: [a, b]}
                  - {group: root, tenants: "*"}
                max_body: 2MiB
                uploads: 3
                downloads: 4
                connections: 5
                daemon_connections: 6
                max_header: 8192
                header_timeout: 7
                idle_timeout: 8
                stop_timeout: 9
                temporary: /x
                log_level: debug
                """, name: "f")
        #expect(configuration.socket == "/s" && configuration.tokens == "/t" && configuration.temporaryDirectory == "/x")
        #expect(configuration.listen == .unix(path: "/g") && configuration.allowsAnonymousLoopback)
        #expect(
            configuration.peers == [
                PeerRule(subject: .user(1001), tenants: .these(["a", "b"])), PeerRule(subject: .group(0), tenants: .any),
            ])
        #expect(configuration.maximumBody == 2 << 20 && configuration.maximumHeader == 8192)
        #expect(
            [configuration.uploads, configuration.downloads, configuration.connections, configuration.daemonConnections] == [
                3, 4, 5, 6,
            ])
        #expect(
            [configuration.headerTimeout, configuration.idleTimeout, configuration.stopTimeout] == [
                .seconds(7), .seconds(8), .seconds(9),
            ])
        #expect(configuration.logLevel == .debug)
        #expect(try GatewayConfiguration(yaml: "", name: "f").uploads == GatewayConfiguration().uploads)
    }

    /// What is wrong is named with file and line.
    @Test(arguments: [
        ("uplaods: 3", 1), ("uploads: 0", 1), ("listen: 1\nuploads: x", 1), ("\nmax_body: 3PiB", 2), ("log_level: loud", 1),
        ("peers: 3", 1), ("peers:\n  - {uid: 1}", 2), ("peers:\n  - {uid: x, tenants: [a]}", 2), ("- a", 1),
        ("peers:\n  - {uid: 1, tenants: []}", 2), ("peers:\n  - {uid: 1, tenants: [a/b]}", 2),
        ("allow_anonymous_loopback: maybe", 1),
        ("peers:\n  - {user: no-such-user-here, tenants: [a]}", 2),
    ])
    func namesMistakes(yaml: String, line: Int) throws {
        let error = #expect(throws: ArtifactError.self) { try GatewayConfiguration(yaml: yaml, name: "f") }
        #expect(error?.message.hasPrefix("f:\(line): ") == true, "\(String(describing: error))")
        #expect(error?.code == .invalidRequest)
    }
}
