import ArtifactClient
import ArtifactModel
import ArtifactWire
import HTTPTypes
import Hummingbird

/// What the gateway says of itself and of the daemon.
struct ServiceRoutes: Sendable {
    let daemon: DaemonPool
    let metrics: GatewayMetrics

    /// Whether this process answers.
    func health() -> Response { Reply.json(["status": "ok"]) }

    /// Whether an upload could be taken: the daemon answers.
    func readiness() async throws -> Response {
        _ = try await status()
        return Reply.json(["status": "ready"])
    }

    /// What Prometheus reads. The daemon's part is left out while it does not answer, and `artifactd_up` says so.
    func prometheus() async throws -> Response {
        let status: DaemonStatus?
        do {
            status = try DaemonStatus(json: try await self.status())
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

    private func status() async throws -> String {
        guard case .statusReport(let report) = try await daemon.ask(.status, for: nil) else { throw ClientError.confused }
        return report.json
    }
}
