import HTTPTypes
import Testing

@testable import GatewayCore

/// The table of paths and methods.
struct RouteTests {
    /// Every path of the API leads to its route.
    @Test(arguments: [
        (HTTPRequest.Method.get, "/healthz", Route.health), (.head, "/healthz", .health), (.get, "/readyz", .readiness),
        (.get, "/metrics", .metrics), (.get, "/api/v1/openapi.json", .document),
        (.post, "/api/v1/experiments", .createExperiment),
        (.get, "/api/v1/experiments", .listExperiments), (.get, "/api/v1/experiments/x", .experiment(id: "x")),
        (.patch, "/api/v1/experiments/x", .changeExperiment(id: "x")),
        (.delete, "/api/v1/experiments/x", .archiveExperiment(id: "x")),
        (.post, "/api/v1/experiments/x/restore", .restoreExperiment(id: "x")), (.post, "/api/v1/experiments/runs", .startRun),
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
            "/", "", "/api", "/api/v1/experiments/", "/api/v1/experiments/x/y", "/api/v1/experiments/runs/r/log-metric",
            "//healthz",
        ] {
            #expect(throws: APIError(.notFound, "there is nothing at this path; see /api/v1/openapi.json")) {
                try Route(method: .get, path: path)
            }
        }
        let error = #expect(throws: APIError.self) { try Route(method: .put, path: "/api/v1/experiments") }
        #expect(error?.code == .methodNotAllowed && error?.headers[.allow] == "GET, HEAD, POST")
        let malformed = #expect(throws: APIError.self) { try Route(method: .get, path: "/api/v1/experiments/%zz") }
        #expect(malformed?.code == .validationFailed)
    }
}
