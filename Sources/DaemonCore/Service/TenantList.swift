import ArtifactWire

/// The tenants in the status document: few enough for a person, and for the labels of a metric.
enum TenantList {
    /// How many stand by themselves.
    static let limit = 100
    /// What all the others together are called.
    static let rest = "other"

    /// Those with the most pending jobs first, then by name; the rest last.
    /// - Parameter peer: whose document it is; of tenants that are none of its business it learns nothing.
    static func make(_ counters: [String: StateCounters], for peer: Peer) -> [StatusReport.Tenant] {
        var visible = counters.filter { peer.mayChoose($0.key) }
        guard visible.count > limit else { return visible.map(tenant).sorted(by: isBefore) }
        // A tenant of that very name goes with the others: no name stands twice.
        var others = visible.removeValue(forKey: rest) ?? StateCounters()
        let ranked = visible.map(tenant).sorted(by: isBefore)
        for left in ranked.dropFirst(limit) { others += visible[left.tenant] ?? StateCounters() }
        return ranked.prefix(limit) + [tenant(rest, others)]
    }

    private static func tenant(_ name: String, _ counters: StateCounters) -> StatusReport.Tenant {
        StatusReport.Tenant(tenant: name, jobs: StatusReport.ByState(counters, \.jobs))
    }

    private static func isBefore(_ left: StatusReport.Tenant, _ right: StatusReport.Tenant) -> Bool {
        let (leftPending, rightPending) = (left.jobs.accepted + left.jobs.uploading, right.jobs.accepted + right.jobs.uploading)
        return leftPending != rightPending ? leftPending > rightPending : left.tenant < right.tenant
    }
}
