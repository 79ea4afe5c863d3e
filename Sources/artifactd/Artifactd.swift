import ArgumentParser
import ArtifactModel
import DaemonCore
import Glibc
import LinuxSystem
import Logfmt
import Logging
import S3
import ServiceLifecycle

/// The daemon's command line.
@main
struct Artifactd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifactd",
        abstract: "Takes artifacts from local processes over a Unix socket and stores them, in S3 or in a directory.",
        discussion: """
            Every setting can stand in the YAML file, in the environment (ARTIFACTD_ and the key in capitals) and, for the ones \
            below, on the command line; the command line counts most, the file least. Where to reach S3, and as whom, comes from \
            the variables and files that the AWS tools use: AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, \
            AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws/credentials and the like.

            Runs in the foreground and logs to standard error. SIGTERM and SIGINT stop it in order.
            """,
        version: artifactdVersion)

    @Option(help: ArgumentHelp("The Unix socket to listen at.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("The directory of the journal and the spool.", valueName: "dir"))
    var state: String?

    @Option(help: ArgumentHelp("Where objects go: s3://bucket[/prefix] or file:///dir.", valueName: "url"))
    var store: String?

    @Option(help: ArgumentHelp("The YAML file to read settings from.", valueName: "file"))
    var config: String?

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
            let configuration = try Self.configuration(self, environment)
            let log = Logger.bootstrap(program: "artifactd", level: configuration.logLevel, environment: environment)
            try S3.initialize()
            for notice in ConfigurationSource.unknownVariables(in: environment) { log.warning("\(notice)") }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        ServiceGroupConfiguration.ServiceConfiguration(
                            service: Daemon(configuration: configuration, environment: environment, log: log))
                    ], gracefulShutdownSignals: [.sigterm, .sigint], logger: log.quiet(below: .warning)))
            try await group.run()
        } catch let error as SystemError {
            System.writeToStandardError("artifactd: \(error)\n")
            throw ExitCode(1)
        } catch let error as ArtifactError {
            System.writeToStandardError("artifactd: \(error)\n")
            throw ExitCode(error.code == .invalidRequest ? 2 : 1)
        }
    }

    private static func configuration(_ flags: Artifactd, _ environment: [String: String]) throws(ArtifactError) -> Configuration
    {
        var line = ConfigurationSource()
        line.set(.socket, flag: "--socket", flags.socket)
        line.set(.state, flag: "--state", flags.state)
        line.set(.store, flag: "--store", flags.store)
        var sources = [line, ConfigurationSource(environment: environment)]
        if let file = flags.config ?? environment["ARTIFACTD_CONFIG"] {
            sources.append(try ConfigurationSource(file: file))
        }
        return try Configuration.resolve(sources, environment: environment)
    }
}
