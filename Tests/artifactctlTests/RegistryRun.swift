import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import Synchronization
import TestSupport

@testable import artifactctl

/// A command line that has run against a daemon of experiments and runs, and what it asked for.
struct RegistryRun {
    let status: artifactctl.ExitStatus
    let lines: [String]
    let complaints: [String]
    /// In the order of their arrival, without the greeting.
    let requests: [Message]

    /// The requests, for the daemon's thread to add to.
    private final class Log: Sendable {
        let requests = Mutex<[Message]>([])
    }

    /// Runs a command. The daemon knows `experiment` by its id and name, and every run.
    /// - Parameter answer: what it says to a request; nil for what it says by itself.
    init(
        _ arguments: [String], at place: TemporaryDirectory,
        answer: @escaping @Sendable (Message) throws -> Message? = { _ in nil }
    ) throws {
        let log = Log()
        let run = try CommandRun(arguments, at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                log.requests.withLock { $0.append(request.message) }
                guard let message = try answer(request.message) ?? Self.usual(request.message) else {
                    throw ScriptedDaemon.Failure("unexpected \(request.message)")
                }
                try peer.answer(request, message)
            }
        }
        (status, lines, complaints) = (run.status, run.lines, run.complaints)
        requests = log.requests.withLock { $0 }
    }

    static let id = "5e5e5e5e-0000-5000-8000-00000000000a"

    static let experiment = Experiment(
        id: id, tenant: "acme", name: "fraud \u{1B}[2J", description: "two\nlines", tags: ["teamName": "risk", "a": ""],
        artifactLocation: "s3://bucket/e", stage: .active, createdAt: 0, updatedAt: 1_000, isProvisional: false)

    static func run(_ id: String = "r7", _ status: RunStatus = .running, name: String = "") -> Run {
        Run(
            id: id, experimentID: Self.id, tenant: "acme", name: name, tags: ["k": "v"], status: status, startedAt: 0,
            endedAt: status == .running ? nil : 61_000, artifactURI: "s3://bucket/e/runs/\(id)/artifacts", isProvisional: true)
    }

    static func refusal(_ code: ArtifactError.Code, _ message: String) -> Message {
        .error(ErrorMessage(ArtifactError(code, message)))
    }

    private static func usual(_ request: Message) -> Message? {
        switch request {
        case .getExperiment(let get) where get.experiment == .id(id) || get.experiment == .name("fraud"): .experiment(experiment)
        case .getExperiment: refusal(.notFound, "there is no such experiment")
        case .getRun(let get): .run(run(get.runID))
        default: nil
        }
    }
}
