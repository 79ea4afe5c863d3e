import ArtifactModel
import ArtifactWire
import HTTPTypes

/// What a request asks for: the whole table of paths and methods.
enum Route: Sendable, Equatable {
    case health, readiness, metrics, document
    case createExperiment, listExperiments
    case experiment(id: String), changeExperiment(id: String), archiveExperiment(id: String), restoreExperiment(id: String)
    case startRun, listRuns
    case run(id: String), endRun(id: String)
    case logArtifact(run: String), artifacts(run: String), artifact(run: String, path: String)

    /// The route's name in metrics and logs.
    var name: String {
        switch self {
        case .health: "healthz"
        case .readiness: "readyz"
        case .metrics: "metrics"
        case .document: "openapi"
        case .createExperiment: "create_experiment"
        case .listExperiments: "list_experiments"
        case .experiment: "get_experiment"
        case .changeExperiment: "change_experiment"
        case .archiveExperiment: "archive_experiment"
        case .restoreExperiment: "restore_experiment"
        case .startRun: "start_run"
        case .listRuns: "list_runs"
        case .run: "get_run"
        case .endRun: "end_run"
        case .logArtifact: "log_artifact"
        case .artifacts: "list_artifacts"
        case .artifact: "get_artifact"
        }
    }

    /// Whether whoever can connect may ask: probes, and the document that says how to ask.
    var isOpen: Bool { self == .health || self == .readiness || self == .document }

    /// The route of a request.
    /// - Parameter path: as it stands in the URL, percent-encoded.
    /// - Throws: `notFound`; `methodNotAllowed` where the path has other methods.
    init(method: HTTPRequest.Method, path: String) throws(APIError) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var components: [String] = []
        for segment in segments {
            guard let component = PercentCoding.decode(segment) else {
                throw APIError(.validationFailed, "the path is not percent-encoded UTF-8")
            }
            components.append(component)
        }
        let methods = Self.methods(components)
        // HEAD is GET without the body (RFC 9110, section 9.3.2).
        if let route = methods[method == .head ? .get : method] {
            self = route
            return
        }
        // Comparison is the platform's own: there is none at a path that a run of this name would have.
        let isComparison = method == .post && components == ["api", "v1", "experiments", "runs", "compare"]
        guard !methods.isEmpty, !isComparison else {
            throw APIError(.notFound, "there is nothing at this path; see /api/v1/openapi.json")
        }
        let allowed = methods.keys.map(\.rawValue) + (methods[.get] == nil ? [] : ["HEAD"])
        var error = APIError(.methodNotAllowed, "this path knows \(allowed.sorted().joined(separator: ", "))")
        error.headers[.allow] = allowed.sorted().joined(separator: ", ")
        throw error
    }

    /// What a path knows.
    private static func methods(_ components: [String]) -> [HTTPRequest.Method: Route] {
        switch components {
        case ["healthz"]: return [.get: .health]
        case ["readyz"]: return [.get: .readiness]
        case ["metrics"]: return [.get: .metrics]
        case ["api", "v1", "openapi.json"]: return [.get: .document]
        default: break
        }
        guard components.starts(with: ["api", "v1", "experiments"]) else { return [:] }
        let rest = Array(components.dropFirst(3))
        if rest.first == "runs" { return runMethods(Array(rest.dropFirst())) }
        // What cannot be an id names nothing.
        if let id = rest.first, !RegistryLimits.isExperimentID(id) { return [:] }
        switch rest.count {
        case 0: return [.post: .createExperiment, .get: .listExperiments]
        case 1:
            return [
                .get: .experiment(id: rest[0]), .patch: .changeExperiment(id: rest[0]), .delete: .archiveExperiment(id: rest[0]),
            ]
        case 2 where rest[1] == "restore": return [.post: .restoreExperiment(id: rest[0])]
        default: return [:]
        }
    }

    private static func runMethods(_ rest: [String]) -> [HTTPRequest.Method: Route] {
        guard let run = rest.first else { return [.post: .startRun, .get: .listRuns] }
        guard RegistryLimits.isRunID(run) else { return [:] }
        switch rest.count {
        case 1: return [.get: .run(id: run)]
        case 2 where rest[1] == "end": return [.post: .endRun(id: run)]
        case 2 where rest[1] == "log-artifact": return [.post: .logArtifact(run: run)]
        case 2 where rest[1] == "artifacts": return [.get: .artifacts(run: run)]
        case 3... where rest[1] == "artifacts":
            let path = rest.dropFirst(2).joined(separator: "/")
            return [.get: .artifact(run: run, path: path)]
        default: return [:]
        }
    }
}
