import LinuxSystem
import Testing

@testable import ArtifactClient

@Suite("SocketPath")
struct SocketPathTests {
    /// What no socket can be called is told in words, before anything is tried.
    @Test(arguments: [("", "is empty"), ("/" + String(repeating: "s", count: 107), "108 bytes"), ("a\0b", "NUL")])
    func refuses(_ path: String, _ reason: String) throws {
        let error = try #require(throws: ClientError.self) { try SocketPath.check(path) }
        #expect(error.code == "invalid_request" && error.description.contains(reason))
    }

    /// The longest path can be.
    @Test func takesLongest() throws { try SocketPath.check("/" + String(repeating: "s", count: Client.maximumSocketPath - 1)) }

    /// The argument wins over the environment, and the environment over the usual places.
    @Test func choosesInOrder() {
        let environment = ["ARTIFACTD_SOCKET": "/e", "XDG_RUNTIME_DIR": "/x"]
        #expect(SocketPath.choose(argument: "/a", environment: environment) == "/a")
        #expect(SocketPath.choose(argument: nil, environment: environment) == "/e")
    }

    /// A variable that is set to nothing counts as not set.
    @Test func ignoresEmptyVariables() {
        let path = SocketPath.choose(argument: nil, environment: ["ARTIFACTD_SOCKET": "", "XDG_RUNTIME_DIR": ""])
        #expect(path == "/run/artifactd/artifactd.sock")
    }

    /// A user without a system's daemon has a socket of their own; root never looks there.
    @Test(.enabled(if: !SocketPathTests.hasSystemSocket)) func choosesTheUsersOwn() {
        let path = SocketPath.choose(argument: nil, environment: ["XDG_RUNTIME_DIR": "/x"])
        #expect(path == (System.effectiveUserID() == 0 ? SocketPath.system : "/x/artifactd/artifactd.sock"))
    }

    private static var hasSystemSocket: Bool {
        do {
            _ = try System.status(of: SocketPath.system)
            return true
        } catch {
            return false
        }
    }
}
