/// Who sends a request.
struct Caller: Sendable, Equatable {
    /// For the log: the token's name, or the user's number. Never the token.
    var name: String
    var tenants: Tenants

    /// The tenant that a request counts for; nil for the one that the daemon gives the gateway itself.
    /// - Parameter header: what the request says in `X-Tenant-ID`.
    func tenant(_ header: String?) throws(APIError) -> String? {
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
