import ArtifactClient
import ArtifactModel

/// How the program ends. Thrown by a command that has already said why.
enum ExitStatus: Int32, Error {
    /// What was asked for is done.
    case done = 0
    /// A job failed, or an input or a request was refused: the same again will not help. Wins over `tryAgain` where both hold.
    case failed = 1
    /// The command line is wrong.
    case usage = 2
    /// Nobody listens at the socket, or the connection was lost.
    case noDaemon = 3
    /// A bound was reached, the store or the disk is away or full, the daemon is stopping, or the time is up: the same again can
    /// help (`EX_TEMPFAIL` of sysexits.h).
    case tryAgain = 75

    /// The status that an error's code stands for: section 13 of the protocol's specification says which codes pass by themselves.
    init(_ code: ArtifactError.Code) { self = code.isTransient ? .tryAgain : .failed }

    init(_ error: ClientError) {
        switch error {
        case .noDaemon, .connectionLost: self = .noDaemon
        case .failure(let error): self.init(error.code)
        }
    }
}
