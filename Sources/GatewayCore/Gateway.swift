public import ArtifactModel
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LinuxSystem
import Logfmt
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import UnixSignals

/// The gateway: HTTP on one side, the daemon's socket on the other. Holds no secret of the store and no journal.
public struct Gateway: Service {
    /// How long a connection to the daemon may be idle.
    private static let linkPause = Duration.seconds(300)
    /// Threads that write and read files. Disks serve more than one at a time, and one that is slow must not hold up all.
    private static let fileThreads = 8

    private let configuration: GatewayConfiguration
    private let environment: [String: String]
    private let tokens: TokenStore?
    private let log: Logger

    /// - Throws: `invalidRequest` for settings and tokens that cannot stand.
    public init(
        configuration: GatewayConfiguration, environment: [String: String], log: Logger
    ) throws(ArtifactError) {
        try configuration.check()
        self.configuration = configuration
        self.environment = environment
        self.log = log
        tokens = if let path = configuration.tokens { try TokenStore(path: path) } else { nil }
    }

    /// Serves until it is told to stop; then requests that are under way have `stopTimeout` to end.
    public func run() async throws {
        let place: SocketPlace? = if case .unix(let path) = configuration.listen { try SocketPlace(path) } else { nil }
        let threads = NIOThreadPool(numberOfThreads: Self.fileThreads)
        threads.start()
        let daemon = DaemonPool(
            socket: configuration.socket, environment: environment, limit: configuration.daemonConnections, threads: threads)
        let application = application(daemon, threads, place)
        let services: [any Service] = [
            application, LinkKeeper(daemon: daemon, pause: Self.linkPause), TokenKeeper(tokens: tokens, log: log),
        ]
        var lifecycle = ServiceGroupConfiguration(services: services, logger: log.quiet(below: .warning))
        lifecycle.maximumGracefulShutdownDuration = configuration.stopTimeout
        let outcome: Result<Void, any Error>
        do {
            try await ServiceGroup(configuration: lifecycle).run()
            outcome = .success(())
        } catch {
            outcome = .failure(configuration.listen.refusal(error) ?? error)
        }
        try place?.remove()
        try await daemon.endAll()
        try await threads.shutdownGracefully()
        try outcome.get()
        log.info("stopped")
    }

    private func application(
        _ daemon: DaemonPool, _ threads: NIOThreadPool, _ place: SocketPlace?
    ) -> Application<GatewayResponder> {
        let uploads = Admission(limit: configuration.uploads, of: "uploads")
        let downloads = Admission(limit: configuration.downloads, of: "downloads")
        let metrics = GatewayMetrics(uploads: uploads, downloads: downloads)
        let responder = GatewayResponder(
            authenticator: Authenticator(configuration, tokens: tokens),
            service: ServiceRoutes(status: StatusQuestion(to: daemon), metrics: metrics),
            registry: RegistryRoutes(daemon: daemon),
            uploads: UploadRoute(
                daemon: daemon, threads: threads, admission: uploads, metrics: metrics, limit: configuration.maximumBody),
            downloads: DownloadRoute(
                daemon: daemon, threads: threads, admission: downloads, metrics: metrics,
                directory: configuration.temporaryDirectory, log: log), metrics: metrics, log: log)
        let quiet = log.quiet(below: .notice)
        return Application(
            responder: responder,
            server: HTTPServerBuilder { [configuration, log] responder in
                GatewayChannel(
                    responder: responder, unreadable: Unreadable(metrics: metrics, log: log),
                    maximumHeader: configuration.maximumHeader, headerTimeout: configuration.headerTimeout,
                    idleTimeout: configuration.idleTimeout)
            },
            configuration: ApplicationConfiguration(
                address: configuration.listen.bindAddress(place), serverName: "artifact-gateway",
                availableConnectionsDelegate: .maximum(configuration.connections, logger: quiet)),
            onServerRunning: { [log, configuration, environment] channel in
                let address = channel.localAddress.flatMap(\.port).map { ":\($0)" } ?? ""
                do {
                    try place?.publish()
                    log.notice(
                        "listening",
                        metadata: [
                            "address": "\(configuration.listen)", "port": "\(address.dropFirst())",
                            "version": "\(artifactdVersion)",
                        ])
                    try Systemd.notify("READY=1", environment: environment)
                } catch {
                    log.error("the gateway is not quite ready", metadata: ["error": "\(error)"])
                }
            }, logger: quiet)
    }
}

extension ListenAddress {
    fileprivate func bindAddress(_ place: SocketPlace?) -> BindAddress {
        switch self {
        case .tcp(let host, let port): .hostname(host, port: port)
        case .unix(let path): .unixDomainSocket(path: place?.bindPath ?? path)
        }
    }

    /// What it means that the server could not listen; nil for errors of other kinds.
    fileprivate func refusal(_ error: any Error) -> ArtifactError? {
        let cause: String
        switch error {
        case let error as IOError: cause = "\(SystemError(call: "bind", errno: error.errnoCode))"
        case SocketAddressError.unknown: cause = "the host has no address"
        case SocketAddressError.unixDomainSocketPathTooLong: cause = "the path is too long"
        default: return nil
        }
        return ArtifactError(.localStorageFailed, "cannot listen on \(self); name another address with --listen", cause: cause)
    }
}

/// Ends connections to the daemon that nobody uses.
private struct LinkKeeper: Service {
    let daemon: DaemonPool
    let pause: Duration

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: pause) } catch { return }
                await daemon.endIdle(after: pause)
            }
        }
    }
}

/// Reads the tokens again on SIGHUP, which would else end the process.
private struct TokenKeeper: Service {
    let tokens: TokenStore?
    let log: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            guard let tokens else { continue }
            do throws(ArtifactError) {
                try tokens.reload()
                log.notice("tokens read", metadata: ["tokens": "\(tokens.count)"])
            } catch {
                log.error("the tokens that were in force stay", metadata: ["error": "\(error)"])
            }
        }
    }
}
