import ArtifactModel

/// Who is at the other end of a connection, and for whom it may act.
struct Peer: Sendable, Equatable {
    var uid: UInt32
    var gid: UInt32
    /// Whether it may see and steer everybody's jobs.
    var isAdmin: Bool
    /// Whether it runs as the daemon itself does.
    var isOwnUser: Bool
    /// The tenant that its requests count for.
    var tenant: String
    /// The tenants that it might have asked for instead; nil for any.
    var choices: Set<String>?

    /// Whether it may see and steer a tenant's jobs.
    func mayAct(for tenant: String) -> Bool { isAdmin || tenant == self.tenant }

    /// Whether it might act for a tenant, on another connection.
    func mayChoose(_ tenant: String) -> Bool { choices?.contains(tenant) ?? true }
}

/// Which uid may act for which tenants: from the peer credentials and the configuration, never from a frame alone.
struct PeerPolicy: Sendable {
    /// The tenant of clients where nothing else is configured.
    static let defaultTenant = "default"

    var rules: [PeerRule]
    /// The daemon's own uid.
    var ownUser: UInt32

    /// The peer with these credentials.
    /// - Parameter tenant: the one it asks for; nil for the one it gets by itself.
    /// - Throws: `denied` when it may not act for that tenant, or for none at all.
    func admit(uid: UInt32, gid: UInt32, groups: [UInt32], tenant: String?) throws(ArtifactError) -> Peer {
        if let tenant { try Self.check(tenant) }
        let isAdmin = uid == 0 || uid == ownUser
        let matching = rules.filter { rule in
            switch rule.subject {
            case .uid(let named): named == uid
            case .gid(let named): named == gid || groups.contains(named)
            }
        }
        let chosen = try isAdmin ? tenant ?? Self.defaultTenant : choose(uid, matching, tenant)
        let isFree = isAdmin || matching.contains { $0.tenants == nil }
        return Peer(
            uid: uid, gid: gid, isAdmin: isAdmin, isOwnUser: uid == ownUser, tenant: chosen,
            choices: isFree ? nil : Set(matching.flatMap { $0.tenants ?? [] } + [chosen]))
    }

    private func choose(_ uid: UInt32, _ matching: [PeerRule], _ tenant: String?) throws(ArtifactError) -> String {
        if rules.isEmpty {
            guard let tenant, tenant != Self.defaultTenant else { return Self.defaultTenant }
            throw ArtifactError(
                .denied, "uid \(uid) may not act for tenant '\(tenant)'; an administrator can allow it under 'peers:'"
            )
        }
        guard let first = matching.first else {
            throw ArtifactError(
                .denied, "uid \(uid) may act for no tenant here; an administrator can allow it under 'peers:'")
        }
        guard let tenant else { return first.tenants?.first ?? Self.defaultTenant }
        guard matching.contains(where: { $0.tenants?.contains(tenant) ?? true }) else {
            throw ArtifactError(
                .denied, "uid \(uid) may not act for tenant '\(tenant)'; an administrator can allow it under 'peers:'"
            )
        }
        return tenant
    }

    private static func check(_ tenant: String) throws(ArtifactError) {
        let allowed = tenant.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
        guard allowed, (1...128).contains(tenant.utf8.count) else {
            throw ArtifactError(
                .invalidRequest, "'\(tenant.escapedForLog)' is no tenant; write 1 to 128 of A-Z, a-z, 0-9, '-', '_', '.'")
        }
    }
}
