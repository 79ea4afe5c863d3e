import ArtifactClient
import ArtifactModel
import HTTPTypes
import Hummingbird
import LinuxSystem
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers every request: finds the route and the caller, has the route answer, and says what went wrong in the platform's shape.
struct GatewayResponder: HTTPResponder {
    let authenticator: Authenticator
    let service: ServiceRoutes
    let registry: RegistryRoutes
    let uploads: UploadRoute
    let downloads: DownloadRoute
    let metrics: GatewayMetrics
    let log: Logger

    func respond(to request: Request, context: GatewayContext) async throws -> Response {
        let start = ContinuousClock.now
        let requestID = RequestID.choose(request.headers[.requestID])
        var trail = Trail()
        var response: Response
        do {
            response = try await respond(to: request, requestID, context.channel, &trail)
        } catch {
            let refusal = refusal(of: error, requestID)
            trail.error = refusal.code.rawValue
            response = Reply.error(refusal, requestID: requestID)
        }
        response.headers[.requestID] = requestID
        if request.method == .head, trail.route?.isArtifact != true { response = response.createHeadResponse() }
        let duration = (ContinuousClock.now - start).components
        let seconds = Double(duration.seconds) + Double(duration.attoseconds) / 1e18
        let (route, method, status) = (trail.route?.name ?? "none", request.method.rawValue, Int(response.status.code))
        metrics.answered(route: route, method: method, status: status, seconds: seconds, error: trail.error)
        // Probes and scrapes come all day long.
        let level: Logger.Level = trail.route?.isArtifact == nil || trail.route?.isQuiet == true ? .debug : .info
        log.log(
            level: level, "request",
            metadata: [
                "method": "\(method)", "path": "\(request.uri.path)", "status": "\(status)", "seconds": "\(seconds)",
                "request_id": "\(requestID)", "caller": "\(trail.caller ?? "-")", "tenant": "\(trail.tenant ?? "-")",
                "error": "\(trail.error ?? "-")",
            ])
        return response
    }

    /// What is known of a request, for the log and the metrics.
    private struct Trail {
        var route: Route?
        var caller: String?
        var tenant: String?
        var error: String?
    }

    private func respond(
        to request: Request, _ requestID: String, _ channel: any Channel, _ trail: inout Trail
    ) async throws -> Response {
        let route = try Route(method: request.method, path: request.uri.path)
        trail.route = route
        if route.isOpen { return try await answer(route, request, requestID, channel, tenant: nil) }
        let caller = try await authenticator.caller(request.headers, channel)
        trail.caller = caller.name
        if route == .metrics { return try await service.prometheus(for: caller) }
        let tenant = try caller.tenant(request.headers[.tenantID])
        trail.tenant = tenant
        return try await answer(route, request, requestID, channel, tenant: tenant)
    }

    private func answer(
        _ route: Route, _ request: Request, _ requestID: String, _ channel: any Channel, tenant: String?
    ) async throws -> Response {
        let query = request.uri.query
        switch route {
        case .listExperiments: return try await registry.listExperiments(query, for: tenant)
        case .listRuns: return try await registry.listRuns(query, for: tenant)
        case .artifacts(let run): return try await registry.artifacts(run, query, for: tenant)
        case .logArtifact(let run):
            return try await uploads.respond(to: request, run: run, tenant: tenant, channel: channel)
        case .artifact(let run, let path):
            return try await downloads.respond(to: request, requestID, run: run, path: path, tenant: tenant, channel: channel)
        default: _ = try Query(query, allowing: [])
        }
        switch route {
        case .health: return service.health()
        case .readiness: return try await service.readiness()
        case .document: return service.document()
        case .experiment(let id): return try await registry.experiment(id, for: tenant)
        case .archiveExperiment(let id): return try await registry.archiveExperiment(id, for: tenant)
        case .restoreExperiment(let id): return try await registry.restoreExperiment(id, for: tenant)
        case .run(let id): return try await registry.run(id, for: tenant)
        default: break
        }
        let body = try await request.document(over: channel, isOptional: route.name == "end_run")
        switch route {
        case .createExperiment: return try await registry.createExperiment(body, for: tenant)
        case .changeExperiment(let id): return try await registry.changeExperiment(id, body, for: tenant)
        case .startRun: return try await registry.startRun(body, for: tenant)
        case .endRun(let id): return try await registry.endRun(id, body, for: tenant)
        default: throw APIError(.internalError, "a route has no answer")
        }
    }

    /// An error in the platform's words; what nobody has foreseen goes to the log alone.
    private func refusal(of error: any Error, _ requestID: String) -> APIError {
        switch error {
        case let error as APIError: return error
        case let error as ClientError: return APIError(error)
        case let error as ArtifactError: return APIError(error)
        // The body speaks no HTTP any more: its connection ends behind the answer.
        case let error as HTTPParserError: return APIError(unreadable: error)
        case is StalledRequest: return APIError(.timeout, "the body did not go on for too long")
        case let error as SystemError:
            log.error("a file could not be used", metadata: ["error": "\(error)", "request_id": "\(requestID)"])
            return APIError(.unavailable, "the gateway's disk, or the daemon's, cannot be used now; try again")
        case is CancellationError: return APIError(.unavailable, "the gateway is stopping; try again")
        default:
            log.error("a request failed", metadata: ["error": "\(error)", "request_id": "\(requestID)"])
            return APIError(.internalError, "something went wrong; the log has more under this request's id")
        }
    }
}

extension Route {
    /// Whether a body of unknown length may follow, whose HEAD is answered by the route itself.
    fileprivate var isArtifact: Bool {
        if case .artifact = self { true } else { false }
    }

    fileprivate var isQuiet: Bool { isOpen || self == .metrics }
}
