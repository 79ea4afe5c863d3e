/// Who sends a request.
struct Caller: Sendable, Equatable {
    /// For the log: the token's name, or the user's number. Never the token.
    var name: String
    var tenants: Tenants

    /// Whether the metrics that the caller reads tell of the tenant: of its own ones, or of all where it acts for none.
    func sees(_ tenant: String) -> Bool { tenants == .these([]) || tenants.contains(tenant) }

    /// The tenant that a request counts for; nil for the one that the daemon gives the gateway itself.
    /// - Parameter header: what the request says in `X-Tenant-ID`.
    /// - Throws: `forbidden`; `validationFailed` where the header is wrong, or lacks.
    func tenant(_ header: String?) throws(APIError) -> String? {
        if tenants == .these([]) { throw APIError(.forbidden, "you may read /metrics alone; you act for no tenant") }
        guard let header else {
            switch tenants {
            case .any: return nil
            case .these(let names):
                guard let only = names.first, names.count == 1 else {
                    throw APIError(.validationFailed, "you may act for several tenants; name one in X-Tenant-ID")
                }
                return only
            }
        }
        guard Tenants.isName(header) else {
            throw APIError(.validationFailed, "X-Tenant-ID is no tenant; send 1 to 128 of A-Z a-z 0-9 - _ .")
        }
        guard tenants.contains(header) else { throw APIError(.forbidden, "you may not act for tenant '\(header)'") }
        return header
    }
}
