import Testing

@testable import GatewayCore

/// For which tenant a request counts.
struct CallerTests {
    /// The header's, if the caller may; without one the only one, or for callers of any tenant the daemon's choice.
    @Test func choosesTheTenant() throws {
        let one = Caller(name: "n", tenants: .these(["a"]))
        let two = Caller(name: "n", tenants: .these(["a", "b"]))
        let any = Caller(name: "n", tenants: .any)
        #expect(try one.tenant(nil) == "a" && one.tenant("a") == "a" && two.tenant("b") == "b")
        #expect(try any.tenant(nil) == nil && any.tenant("z") == "z")
        #expect(throws: APIError(.forbidden, "you may not act for tenant 'b'")) { try one.tenant("b") }
        for (caller, header) in [(two, nil), (any, "a/b"), (any, ""), (any, "a, b"), (any, String(repeating: "a", count: 129))] {
            let error = #expect(throws: APIError.self) { try caller.tenant(header) }
            #expect(error?.code == .validationFailed)
        }
        let none = Caller(name: "n", tenants: .these([]))
        for header in ["a", nil] {
            let error = #expect(throws: APIError.self) { try none.tenant(header) }
            #expect(error?.code == .forbidden)
        }
    }

    /// Metrics tell a caller of its own tenants, and of all where it acts for any or for none.
    @Test func seesItsTenants() {
        let one = Caller(name: "n", tenants: .these(["a"]))
        #expect(one.sees("a") && !one.sees("b"))
        #expect(Caller(name: "n", tenants: .any).sees("b") && Caller(name: "n", tenants: .these([])).sees("b"))
    }
}
