import ArtifactClient
import ArtifactModel
import Testing

@testable import artifactctl

/// Swift Testing has one too.
private typealias ExitStatus = artifactctl.ExitStatus

@Suite("ExitStatus")
struct ExitStatusTests {
    /// The numbers are promised to scripts.
    @Test func numbers() {
        #expect(ExitStatus.done.rawValue == 0)
        #expect(ExitStatus.failed.rawValue == 1)
        #expect(ExitStatus.usage.rawValue == 2)
        #expect(ExitStatus.noDaemon.rawValue == 3)
        #expect(ExitStatus.tryAgain.rawValue == 75)
    }

    /// What the specification calls transient says "try again", all else "failed"; no error of the daemon is a success or a wrong
    /// usage.
    @Test(arguments: ArtifactError.Code.allCases) func followsFromTheCode(_ code: ArtifactError.Code) {
        let passing: Set<ArtifactError.Code> = [
            .busy, .shuttingDown, .localStorageFailed, .storeUnavailable, .storeThrottled, .timeout, .checksumMismatch,
        ]
        #expect(ExitStatus(code) == (passing.contains(code) ? .tryAgain : .failed))
        #expect(ExitStatus(ClientError.failure(ArtifactError(code, ""))) == ExitStatus(code))
    }

    /// No daemon, and one that went away, have a status of their own.
    @Test func knowsTheDaemonsAbsence() {
        #expect(ExitStatus(ClientError.noDaemon(socket: "/s", cause: "")) == .noDaemon)
        #expect(ExitStatus(ClientError.connectionLost(socket: "/s", cause: "")) == .noDaemon)
    }
}
