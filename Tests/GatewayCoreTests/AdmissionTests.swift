import Testing

@testable import GatewayCore

/// Bounds on how many do the same at once.
struct AdmissionTests {
    /// As many as allowed are let in; who is refused, and who leaves, makes no difference to the others.
    @Test func bounds() throws {
        let admission = Admission(limit: 2, of: "uploads")
        var places = [try admission.enter(), try admission.enter()]
        for _ in 0..<3 {
            let error = #expect(throws: APIError.self) { try admission.enter() }
            #expect(error?.code == .rateLimited && error?.retryAfter != nil)
        }
        #expect(admission.count == 2)
        places.removeLast()
        #expect(admission.count == 1)
        places.append(try admission.enter())
        #expect(admission.count == 2)
    }
}
