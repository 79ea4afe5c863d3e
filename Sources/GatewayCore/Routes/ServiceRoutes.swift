import ArtifactClient
import HTTPTypes
import Hummingbird

/// What the gateway says of itself and of the daemon.
struct ServiceRoutes: Sendable {
    /// How long a probe and a scrape wait for the daemon: less than those who send them do, whose own bounds are 1 s and 10 s by
    /// default with Kubernetes and Prometheus.
    private static let readinessLimit = Duration.seconds(1)
    private static let metricsLimit = Duration.seconds(5)

    let status: StatusQuestion
    let metrics: GatewayMetrics

    /// Whether this process answers.
    func health() -> Response { Reply.json(["status": "ok"]) }

    /// Whether an upload could be taken: the daemon answers.
    func readiness() async throws -> Response {
        _ = try await status.answer(within: Self.readinessLimit)
        return Reply.json(["status": "ready"])
    }

    /// What Prometheus reads. The daemon's part is left out while it does not answer, and `artifactd_up` says so.
    /// - Parameter caller: sees the series of its own tenants alone.
    func prometheus(for caller: Caller) async throws -> Response {
        var status: DaemonStatus?
        do {
            status = try DaemonStatus(json: try await self.status.answer(within: Self.metricsLimit))
            status?.tenants?.removeAll { !caller.sees($0.tenant) }
        } catch is ClientError {
            status = nil
        }
        var text = MetricsText()
        DaemonMetrics.write(status, to: &text)
        try metrics.write(to: &text)
        return Reply.text(text.text, type: "text/plain; version=0.0.4; charset=utf-8")
    }

    /// The API's description.
    func document() -> Response {
        Reply.text(openAPIDocument, type: "application/json", headers: [.cacheControl: "public, max-age=300"])
    }
}
