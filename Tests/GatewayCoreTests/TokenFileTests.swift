import ArtifactModel
import Testing

@testable import GatewayCore

/// The file of tokens, and who holds one.
struct TokenFileTests {
    /// SHA-256 of "abc" (FIPS 180-4).
    private static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    /// Hashes stand for tenants; comments and empty lines for nothing.
    @Test func isRead() throws {
        let other = String(repeating: "0", count: 64)
        let file = try TokenFile(text: "# comment\n\n\(Self.abc) acme-corp,b ci # behind\n\(other.uppercased()) *\r\n", name: "f")
        #expect(
            file.entries.map(\.caller) == [
                Caller(name: "ci", tenants: .these(["acme-corp", "b"])), Caller(name: "token-4", tenants: .any),
            ])
        #expect(file.entries[0].digest == (try SHA256.digest(Array("abc".utf8))))
        #expect(try TokenFile(text: "\(Self.abc) -", name: "f").entries[0].caller.tenants == .these([]))
    }

    /// A line that is wrong is named, and what could be a token is not shown.
    @Test(arguments: [
        "secret-token acme", "\(abc)", "\(abc) a b c", "\(abc.dropLast()) a", "\(abc)0 a", "\(abc) a/b", "\(abc) a,",
        "zz\(abc.dropFirst(2)) a",
    ])
    func mistakesAreNamed(line: String) {
        let error = #expect(throws: ArtifactError.self) { try TokenFile(text: "#\n\(line)\n", name: "f") }
        #expect(error?.message.hasPrefix("f:2: ") == true)
        #expect(error?.description.contains("secret-token") == false)
    }

    /// One token twice would hide which line counts.
    @Test func standOnce() {
        #expect(throws: ArtifactError.self) { try TokenFile(text: "\(Self.abc) a\n\(Self.abc) b\n", name: "f") }
    }

    /// Digests are compared whole.
    @Test func comparesWhole() throws {
        let digest = try SHA256.digest(Array("abc".utf8))
        #expect(SHA256.equal(digest, digest))
        for index in digest.indices {
            var other = digest
            other[index] ^= 1
            #expect(!SHA256.equal(digest, other))
        }
        #expect(!SHA256.equal(digest, Array(digest.dropLast())) && !SHA256.equal([], []))
    }
}
