public import ArtifactModel
import Glibc
import LinuxSystem
public import Logging

/// The gateway's settings.
public struct GatewayConfiguration: Sendable {
    /// The daemon's socket; nil for where clients look by themselves.
    public var socket: String?
    public var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8080)
    /// The file of hashed tokens; nil for none.
    public var tokens: String?
    /// Whether whoever can connect over loopback may act for any tenant, without a token.
    public var allowsAnonymousLoopback = false
    /// Who may connect over the Unix socket, and for whom.
    public var peers: [PeerRule] = []
    /// The largest body of an upload, in bytes.
    public var maximumBody: UInt64 = 64 << 30
    /// Uploads at once; further ones are refused as RATE_LIMITED.
    public var uploads = 512
    /// Downloads at once; further ones are refused likewise.
    public var downloads = 64
    /// HTTP connections at once; further ones wait to be taken.
    public var connections = 2048
    /// Connections to the daemon.
    public var daemonConnections = 32
    /// The largest header of a request, in bytes.
    public var maximumHeader = 32 << 10
    /// How long a request's header may take to come, from its first byte on; a new connection's from when it was made.
    public var headerTimeout = Duration.seconds(15)
    /// How long a client may send nothing of a body, take nothing of an answer, or keep a connection without a request.
    public var idleTimeout = Duration.seconds(60)
    /// How long requests may go on after the order to stop.
    public var stopTimeout = Duration.seconds(30)
    /// Where nameless files of downloads lie.
    public var temporaryDirectory = "/var/tmp"
    public var logLevel = Logger.Level.info

    public init() {}

    /// - Throws: `invalidRequest` where nobody could be told from anybody, and where downloads have no place.
    public func check() throws(ArtifactError) {
        do throws(SystemError) {
            let directory = try System.open(temporaryDirectory, O_RDONLY | O_DIRECTORY)
            _ = try System.openTemporary(in: directory.number)
        } catch {
            throw ArtifactError(
                .invalidRequest,
                "no files for downloads can be made in '\(temporaryDirectory.escapedForLog)'; name another directory under 'temporary:'",
                cause: "\(error)")
        }
        switch listen {
        case .unix: break
        case .tcp:
            if allowsAnonymousLoopback {
                guard listen.isLoopback else {
                    throw ArtifactError(
                        .invalidRequest,
                        "--allow-anonymous-loopback is for loopback alone, and \(listen) is not; name 127.0.0.1 or a file of tokens"
                    )
                }
            } else if tokens == nil {
                throw ArtifactError(
                    .invalidRequest,
                    "whoever connects to \(listen) needs a token; name their file under 'tokens:' in the configuration, or for "
                        + "trials on loopback say --allow-anonymous-loopback")
            }
        }
    }
}

/// What a user or group may do over the gateway's Unix socket.
public struct PeerRule: Sendable, Equatable {
    public enum Subject: Sendable, Equatable {
        case user(UInt32)
        case group(UInt32)
    }

    public var subject: Subject
    public var tenants: Tenants

    public init(subject: Subject, tenants: Tenants) {
        self.subject = subject
        self.tenants = tenants
    }
}
