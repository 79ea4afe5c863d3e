import HTTPTypes
import Testing

@testable import GatewayCore

/// The table of paths and methods.
struct RouteTests {
    private static let id = "00000000-0000-5000-8000-00000000000a"

    /// Every path of the API leads to its route.
    @Test(arguments: [
        (HTTPRequest.Method.get, "/healthz", Route.health), (.head, "/healthz", .health), (.get, "/readyz", .readiness),
        (.get, "/metrics", .metrics), (.get, "/api/v1/openapi.json", .document),
        (.post, "/api/v1/experiments", .createExperiment),
        (.get, "/api/v1/experiments", .listExperiments), (.get, "/api/v1/experiments/\(Self.id)", .experiment(id: Self.id)),
        (.patch, "/api/v1/experiments/\(Self.id)", .changeExperiment(id: Self.id)),
        (.delete, "/api/v1/experiments/\(Self.id)", .archiveExperiment(id: Self.id)),
        (.post, "/api/v1/experiments/\(Self.id)/restore", .restoreExperiment(id: Self.id)),
        (.post, "/api/v1/experiments/runs", .startRun),
        (.get, "/api/v1/experiments/runs", .listRuns), (.get, "/api/v1/experiments/runs/r", .run(id: "r")),
        (.post, "/api/v1/experiments/runs/r/end", .endRun(id: "r")),
        (.post, "/api/v1/experiments/runs/r/log-artifact", .logArtifact(run: "r")),
        (.get, "/api/v1/experiments/runs/r/artifacts", .artifacts(run: "r")),
        (.get, "/api/v1/experiments/runs/r/artifacts/a/b%20c/%C3%A4", .artifact(run: "r", path: "a/b c/ä")),
        (.get, "/api/v1/experiments/runs/r/artifacts/a%2Fb", .artifact(run: "r", path: "a/b")),
    ])
    func leadsOn(method: HTTPRequest.Method, path: String, route: Route) throws {
        #expect(try Route(method: method, path: path) == route)
    }

    /// What there is not is not found; a method that a path has not got is told with those it has.
    @Test func refuses() throws {
        for path in [
            "/", "", "/api", "/api/v1/experiments/", "/api/v1/experiments/\(Self.id)/y", "/api/v1/experiments/compare",
            "/api/v1/experiments/\(Self.id.uppercased())", "/api/v1/experiments/runs/a.b", "/api/v1/experiments/runs/",
            "/api/v1/experiments/runs/r/log-metric",
            "//healthz",
        ] {
            #expect(throws: APIError(.notFound, "there is nothing at this path; see /api/v1/openapi.json")) {
                try Route(method: .get, path: path)
            }
        }
        for path in ["/api/v1/experiments/compare", "/api/v1/experiments/runs/compare"] {
            let error = #expect(throws: APIError.self) { try Route(method: .post, path: path) }
            #expect(error?.code == .notFound)
        }
        let error = #expect(throws: APIError.self) { try Route(method: .put, path: "/api/v1/experiments") }
        #expect(error?.code == .methodNotAllowed && error?.headers[.allow] == "GET, HEAD, POST")
        let malformed = #expect(throws: APIError.self) { try Route(method: .get, path: "/api/v1/experiments/%zz") }
        #expect(malformed?.code == .validationFailed)
    }
}
