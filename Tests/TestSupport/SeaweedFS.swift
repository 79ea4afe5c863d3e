import Foundation
import Glibc
import Synchronization

/// A real S3 server of the tests' own: SeaweedFS on free loopback ports, with its data in a temporary directory.
///
/// The program is `$ARTIFACTD_WEED`, else `weed` in the `PATH`. It dies with the test process, however that ends.
public final class SeaweedFS: Sendable {
    /// The one identity that the server knows; it may do everything.
    public static let accessKey = "AKARTIFACTDTEST"
    /// The secret of that identity.
    public static let secretKey = "a-secret-of-the-tests/with+odd=characters"

    /// Where the S3 interface answers over plain HTTP, without a slash at the end.
    public let endpoint: String
    /// Where it answers over TLS; nil without TLS.
    public let secureEndpoint: String?
    /// The certificate authority (PEM) that signed the TLS certificate; nil without TLS.
    public let authorityPath: String?

    private let directory: TemporaryDirectory
    private let process: ChildProcess
    private let master: String
    private let socketPaths: [String]

    private static let sharedServer = Mutex<SeaweedFS?>(nil)

    /// The server that all tests of this process share; started at the first call, over plain HTTP and TLS.
    public static func shared() throws -> SeaweedFS {
        try sharedServer.withLock { server in
            if let server { return server }
            let started = try start(tls: true)
            server = started
            // Lets the server and its directory go at a normal end; after any other the kernel kills the server.
            atexit { SeaweedFS.sharedServer.withLock { $0 = nil } }
            return started
        }
    }

    /// Starts a server of its own for a test that stops it, or that must not share.
    public static func start(tls: Bool = false) throws -> SeaweedFS {
        let program = try findProgram()
        let directory = try TemporaryDirectory()
        // Between the moment a port is found free and the moment the server takes it, anybody may take it. Then the server
        // ends by itself and new ports are tried.
        for _ in 1..<3 {
            if let server = try SeaweedFS(program: program, directory: directory, tls: tls) { return server }
        }
        guard let server = try SeaweedFS(program: program, directory: directory, tls: tls) else {
            throw SupportError("weed ended three times at its start; its log:\n\(tail(ofLog: "\(directory.path)/weed.log"))")
        }
        return server
    }

    /// Kills the server (it can ignore SIGTERM for ten seconds). Later calls do nothing.
    public func stop() {
        process.kill()
        socketPaths.forEach { unlink($0) }
    }

    /// Makes a bucket with a new name and returns the name.
    public func makeBucket() throws -> String {
        let name = "test-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let shell = try ChildProcess.run(
            [try Self.findProgram(), "shell", "-master=\(master)"], input: "s3.bucket.create -name \(name)\n")
        guard shell.output.contains("created bucket \(name)") else {
            throw SupportError("weed shell did not create the bucket \(name): \(shell.output)")
        }
        return name
    }

    deinit { stop() }

    /// A running server that answers; nil when it ended by itself before that.
    private init?(program: String, directory: TemporaryDirectory, tls: Bool) throws {
        let ports = try Loopback.freePorts(9)
        let data = "\(directory.path)/data-\(ports[0])"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let identities = "\(directory.path)/identities.json"
        try Self.identities.write(toFile: identities, atomically: true, encoding: .utf8)
        var arguments = [
            program, "server", "-dir=\(data)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-master.port=\(ports[0])", "-master.port.grpc=\(ports[1])", "-master.volumeSizeLimitMB=1024",
            "-volume.port=\(ports[2])", "-volume.port.grpc=\(ports[3])", "-volume.max=60",
            "-filer", "-filer.port=\(ports[4])", "-filer.port.grpc=\(ports[5])", "-filer.localSocket=\(data)/filer.sock",
            "-s3", "-s3.port=\(ports[6])", "-s3.port.grpc=\(ports[7])", "-s3.ip.bind=127.0.0.1", "-s3.config=\(identities)",
            "-s3.localSocket=\(data)/s3.sock", "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]
        if tls {
            let certificate = try TestCertificate.make(in: directory.path)
            arguments += [
                "-s3.port.https=\(ports[8])", "-s3.cert.file=\(certificate.certificatePath)",
                "-s3.key.file=\(certificate.keyPath)",
            ]
            authorityPath = certificate.authorityPath
        } else {
            authorityPath = nil
        }
        self.directory = directory
        endpoint = "http://127.0.0.1:\(ports[6])"
        secureEndpoint = tls ? "https://127.0.0.1:\(ports[8])" : nil
        master = "127.0.0.1:\(ports[0]).\(ports[1])"
        // Without these names weed leaves its sockets in /tmp; those of gRPC it puts there whatever one says.
        socketPaths = zip(["master", "volume", "filer", "s3"], [1, 3, 5, 7]).map { "/tmp/seaweedfs-\($0)-grpc-\(ports[$1]).sock" }
        let log = "\(directory.path)/weed.log"
        process = try ChildProcess(arguments, logPath: log)
        guard try Self.becomesReady(process, plain: ports[6], secure: tls ? ports[8] : nil, log: log) else { return nil }
    }

    /// Whether the server came to answer; false when it ended by itself.
    private static func becomesReady(_ process: ChildProcess, plain: UInt16, secure: UInt16?, log: String) throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while !process.hasEnded {
            let isHealthy = Loopback.httpStatus(port: plain, path: "/healthz") == 200
            if isHealthy && secure.map(Loopback.accepts) ?? true { return true }
            guard ContinuousClock.now < deadline else {
                throw SupportError("weed did not answer within 60 s; its log:\n\(tail(ofLog: log))")
            }
            usleep(50_000)
        }
        return false
    }

    private static func findProgram() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["ARTIFACTD_WEED"] { return path }
        let candidates = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/weed" }
        guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw SupportError(
                "this test needs the S3 server SeaweedFS: run the tests with the README's test command, which installs it, "
                    + "or name the program in ARTIFACTD_WEED")
        }
        return path
    }

    private static func tail(ofLog path: String) -> String {
        guard let log = FileManager.default.contents(atPath: path) else { return "(there is none)" }
        return String(decoding: log.suffix(2_000), as: UTF8.self)
    }

    private static let identities = """
        {"identities":[{"name":"tests","credentials":[{"accessKey":"\(accessKey)","secretKey":"\(secretKey)"}],
        "actions":["Admin","Read","Write","List","Tagging"]}]}
        """
}
