import ArtifactModel
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct PeerPolicyTests {
    private let rules = [
        PeerRule(subject: .uid(1000), tenants: ["acme", "beta"]), PeerRule(subject: .gid(2000), tenants: nil),
        PeerRule(subject: .gid(3000), tenants: ["gamma"]),
    ]

    private func admit(
        _ rules: [PeerRule], uid: UInt32, gid: UInt32 = 1, groups: [UInt32] = [], tenant: String? = nil
    ) throws -> Peer {
        try PeerPolicy(rules: rules, ownUser: 500).admit(uid: uid, gid: gid, groups: groups, tenant: tenant)
    }

    /// Root and the daemon's own user act for any tenant, and for the default one by themselves.
    @Test func administrators() throws {
        for uid in [0, 500] as [UInt32] {
            let peer = try admit(rules, uid: uid, tenant: "anyone")
            #expect(peer.isAdmin && peer.tenant == "anyone" && peer.mayAct(for: "acme"))
            #expect(try admit(rules, uid: uid).tenant == "default")
        }
        #expect(try admit([], uid: 500).isOwnUser)
        #expect(try !admit([], uid: 0).isOwnUser)
    }

    /// Without rules everybody is the default tenant, and nobody else.
    @Test func withoutRules() throws {
        #expect(try admit([], uid: 1000).tenant == "default")
        #expect(try admit([], uid: 1000, tenant: "default").tenant == "default")
        #expect(failure { _ = try admit([], uid: 1000, tenant: "acme") }?.code == .denied)
    }

    /// A rule lets a user, or a group's members, act for its tenants; the first tenant is the one by itself.
    @Test func rulesApply() throws {
        #expect(try admit(rules, uid: 1000).tenant == "acme")
        let peer = try admit(rules, uid: 1000, tenant: "beta")
        #expect(peer.tenant == "beta" && !peer.isAdmin && !peer.mayAct(for: "acme"))
        #expect(failure { _ = try admit(rules, uid: 1000, tenant: "gamma") }?.code == .denied)
        #expect(try admit(rules, uid: 1000, groups: [3000], tenant: "gamma").tenant == "gamma")
        #expect(try admit(rules, uid: 7, gid: 2000, tenant: "whoever").tenant == "whoever")
        #expect(try admit(rules, uid: 7, groups: [9, 2000]).tenant == "default")
        #expect(failure { _ = try admit(rules, uid: 7) }?.code == .denied)
    }

    /// A tenant's name is plain.
    @Test(arguments: ["", "a b", "a/b", "ä", "x\n", String(repeating: "a", count: 129)])
    func tenantNames(name: String) {
        #expect(failure { _ = try admit([], uid: 0, tenant: name) }?.code == .invalidRequest)
    }
}

@Suite struct StoresTests {
    private let stores = Stores([
        MemoryStore(location: .s3(bucket: "own", prefix: "base")), MemoryStore(location: .s3(bucket: "own", prefix: "base/deep")),
        MemoryStore(location: .directory(path: "/data")),
    ])

    /// A destination lies in the store with the longest location above it; a bare key lies in the daemon's own.
    @Test(arguments: [
        ("a/b", 0, "a/b", "s3://own/base/a/b"), ("s3://own/base/a", 0, "a", "s3://own/base/a"),
        ("s3://own/base/deep/a", 1, "a", "s3://own/base/deep/a"), ("deep/a", 0, "deep/a", "s3://own/base/deep/a"),
        ("file:///data/x y/ä", 2, "x y/ä", "file:///data/x y/ä"),
    ])
    func places(destination: String, store: Int, key: String, uri: String) throws {
        let target = try stores.resolve(destination)
        #expect(target.store == store && target.key.text == key && target.uri == uri)
    }

    /// What lies outside, or climbs out, is refused.
    @Test(arguments: [
        ("s3://other/a", ArtifactError.Code.destinationNotAllowed), ("s3://own/a", .destinationNotAllowed),
        ("s3://own/based/a", .destinationNotAllowed), ("file:///database/a", .destinationNotAllowed),
        ("http://x/a", .destinationNotAllowed), ("s3://own/base/../a", .invalidKey), ("../a", .invalidKey),
        ("s3://own/base", .invalidKey), ("s3://own/base/", .invalidKey), ("a//b", .invalidKey), ("/a", .invalidKey),
        ("a\u{0}b", .invalidKey), ("file:///data/..", .invalidKey), (String(repeating: "k", count: 1020), .invalidKey),
    ])
    func refusals(destination: String, code: ArtifactError.Code) {
        let refusal = failure { _ = try stores.resolve(destination) }
        #expect(refusal?.code == code)
        #expect(refusal?.message.utf8.contains(0) == false)
    }
}

@Suite struct UploadSizingTests {
    private func sizing(buffers: Int = 64 << 20, partSize: Int = 8 << 20) -> UploadSizing {
        var configuration = Configuration(socket: "/s", state: "/d", store: .directory(path: "/x"))
        configuration.buffers = buffers
        configuration.partSize = partSize
        return UploadSizing(configuration)
    }

    /// Any buffers that the configuration allows hold what an upload of usual size needs, in any encoding.
    @Test(arguments: [32 << 20, 64 << 20, 256 << 20])
    func whatIsAllowedFits(buffers: Int) throws {
        let sizing = sizing(buffers: buffers, partSize: buffers / 2)
        for encoding in [ContentEncoding.gzip, .zstd] {
            #expect(sizing.window(target: 5 << 20, encoding) <= buffers)
        }
        for compression in [Compression.none, .gzip, .zstd, .auto] {
            #expect(sizing.single(compression, size: buffers / 2) <= buffers)
            try sizing.check(size: 20 << 30, compression: compression)
        }
    }

    /// A file that needs larger parts than the buffers hold is refused, and told what to raise.
    @Test func whatDoesNotFitIsRefused() throws {
        let refusal = failure { try sizing().check(size: 1 << 40, compression: .none) }
        #expect(refusal?.code == .tooLarge)
        #expect(refusal?.message.contains("'buffers'") == true)
        try sizing(buffers: 1 << 30).check(size: 1 << 40, compression: .none)
    }

    /// Ten thousand parts always suffice.
    @Test(arguments: [1, 80 << 30, 84_000_000_001, 500 << 30] as [UInt64])
    func partsSuffice(size: UInt64) {
        let part = sizing().identityPart(size: size)
        #expect((size + part - 1) / part <= 10_000)
        #expect(part >= 8 << 20)
        #expect((size + sizing().encodedPart(size: size) - 1) / sizing().encodedPart(size: size) <= 10_000)
    }
}
