public import ArtifactModel

/// Why a request has no answer that helps.
public enum ClientError: Error, Sendable, Equatable {
    /// Nobody listens at the socket.
    case noDaemon(socket: String, cause: String)
    /// The connection ended while it was needed. What was sent and not answered may have been done or not.
    case connectionLost(socket: String, cause: String)
    /// The daemon refused, or this side could not even ask.
    case failure(ArtifactError)

    /// The error's code in snake case, as in JSON and logs: that of `ArtifactError`, or `no_daemon` or `connection_lost`.
    public var code: String {
        switch self {
        case .noDaemon: "no_daemon"
        case .connectionLost: "connection_lost"
        case .failure(let error): error.code.description
        }
    }
}

extension ClientError: CustomStringConvertible {
    /// One sentence for a person, with the way out.
    public var description: String {
        switch self {
        case .noDaemon(let socket, let cause):
            "no daemon listens at \(socket.escapedForLog) (\(cause)); start artifactd, or name its socket with --socket or "
                + "ARTIFACTD_SOCKET"
        case .connectionLost(let socket, let cause):
            "the connection to the daemon at \(socket.escapedForLog) was lost: \(cause)"
        case .failure(let error):
            error.description
        }
    }
}
