import ArtifactClient
import ArtifactModel
import Testing

@testable import artifactctl

@Suite("Patience", .timeLimit(.minutes(1)))
struct PatienceTests {
    private static let busy = ClientError.failure(ArtifactError(.busy, "all places are taken", retryAfterMilliseconds: 1))

    /// Asks as often as it must, and gives what it is given in the end.
    @Test func asksUntilItIsGranted() throws {
        var patience = Patience(.seconds(30))
        var times = 0
        let value = try patience.asking { () throws(ClientError) in
            times += 1
            if times < 4 { throw Self.busy }
            return "in"
        }
        #expect(value == "in" && times == 4)
    }

    /// When the patience is used up the last refusal is told.
    @Test(arguments: [Duration.zero, .milliseconds(20)]) func givesUp(_ limit: Duration) {
        var patience = Patience(limit)
        var times = 0
        #expect(throws: Self.busy) {
            try patience.asking { () throws(ClientError) in
                times += 1
                throw Self.busy
            }
        }
        #expect(limit == .zero ? times == 1 : times > 1)
    }

    /// What does not pass is told at once.
    @Test(
        arguments: [
            ClientError.noDaemon(socket: "/s", cause: ""), .failure(ArtifactError(.denied, "")),
            .failure(ArtifactError(.timeout, "")), .failure(ArtifactError(.shuttingDown, "")),
        ])
    func doesNotWaitForNothing(_ error: ClientError) {
        var patience = Patience(.seconds(30))
        var times = 0
        #expect(throws: error) {
            try patience.asking { () throws(ClientError) in
                times += 1
                throw error
            }
        }
        #expect(times == 1)
    }

    /// The time that it took to be let in counts: the files behind it do not get the whole patience again.
    @Test func goesOnCounting() throws {
        var patience = Patience(.seconds(10))
        let second: UInt64 = 1_000_000_000
        let refusal = ArtifactError(.busy, "")
        #expect(patience.timeToAskAgain(after: refusal, now: 0) == second)
        #expect(patience.timeToAskAgain(after: refusal, now: 9 * second + 1) == 10 * second)
        #expect(patience.timeToAskAgain(after: refusal, now: 10 * second) == nil)
    }
}
