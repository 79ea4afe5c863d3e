import ArgumentParser
import ArtifactModel
import GatewayCore
import Glibc
import LinuxSystem
import Logfmt
import Logging
import ServiceLifecycle

/// The gateway's command line.
@main
struct ArtifactGateway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifact-gateway",
        abstract: "Takes artifacts over HTTP and hands them to artifactd; serves metrics for Prometheus.",
        discussion: """
            On TCP every caller shows a token, whose hashes stand in the file that 'tokens:' in the configuration names; SIGHUP \
            reads it again. On a Unix socket callers are told by their uid ('peers:'). TLS is a proxy's affair.

            Runs in the foreground and logs to standard error. SIGTERM and SIGINT stop it in order.
            """,
        version: artifactdVersion)

    @Option(help: ArgumentHelp("The daemon's Unix socket.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("Where to listen: HOST:PORT or unix:PATH (default: 127.0.0.1:8080).", valueName: "address"))
    var listen: String?

    @Option(help: ArgumentHelp("The YAML file to read settings from.", valueName: "file"))
    var config: String?

    @Flag(help: "Let whoever connects over loopback act for any tenant, without a token.")
    var allowAnonymousLoopback = false

    /// As ArgumentParser's, but wrong usage ends with 2, as everywhere in artifactd, instead of 64.
    static func main() async {
        do {
            var command = try parse()
            try await command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            System.writeToStandardError(fullMessage(for: error) + "\n")
            Glibc.exit(2)
        }
    }

    mutating func run() async throws {
        let environment = System.environment()
        System.ignoreSignals()
        do {
            try System.disableCoreFiles()
            let configuration = try settings()
            let log = Logger.bootstrap(program: "artifact-gateway", level: configuration.logLevel, environment: environment)
            let gateway = try Gateway(configuration: configuration, environment: environment, log: log)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [ServiceGroupConfiguration.ServiceConfiguration(service: gateway)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: log.quiet(below: .warning)))
            try await group.run()
        } catch let error as ArtifactError {
            System.writeToStandardError("artifact-gateway: \(error)\n")
            throw ExitCode(error.code == .invalidRequest ? 2 : 1)
        } catch let error as ExitCode {
            throw error
        } catch {
            System.writeToStandardError("artifact-gateway: \(error)\n")
            throw ExitCode(1)
        }
    }

    private func settings() throws(ArtifactError) -> GatewayConfiguration {
        var configuration = if let config { try GatewayConfiguration(file: config) } else { GatewayConfiguration() }
        if let socket { configuration.socket = socket }
        if let listen {
            do throws(ArtifactError) { configuration.listen = try ListenAddress(listen) } catch {
                throw ArtifactError(.invalidRequest, "--listen: \(error.message)")
            }
        }
        if allowAnonymousLoopback { configuration.allowsAnonymousLoopback = true }
        return configuration
    }
}
