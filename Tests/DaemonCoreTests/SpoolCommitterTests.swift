import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import TestSupport
import Testing

@testable import DaemonCore

/// While a spool file is made durable, which `holdsSpool` makes take as long as a test likes.
@Suite struct SpoolCommitterTests {
    private static let content = SeededBytes.make(seed: 5, count: 200_000)

    /// A hand-over of a spool file that is written and closed.
    private func written(_ client: TestClient, to destination: String) throws -> (put: Put, number: UInt64) {
        let opened = try client.answer(to: try client.send(.openSpool(OpenSpool(sizeHint: 1000))))
        guard case .spoolOpened(let spool) = opened.message else { throw SupportError("no spool file") }
        let writer = try #require(opened.descriptor)
        try Self.content.withUnsafeBytes { try System.write($0, to: writer.number, at: 0) }
        return (Put(destination: destination, source: .spool(spool.spool), level: .durable), spool.spool)
    }

    private func inline(_ bytes: [UInt8], to destination: String) -> Message {
        .put(Put(destination: destination, source: .inline(bytes), level: .accepted))
    }

    private func accepted(_ answer: TestClient.Answer?) throws -> Accepted {
        guard case .accepted(let accepted)? = answer?.message else { throw SupportError("\(answer as Any) instead of ACCEPTED") }
        return accepted
    }

    private func refusal(_ answer: TestClient.Answer?) throws -> ArtifactError {
        guard case .error(let refusal)? = answer?.message else { throw SupportError("\(answer as Any) instead of an error") }
        return refusal.error
    }

    /// The connection's other requests are answered meanwhile, hand-overs to other destinations included; the file itself cannot
    /// be handed over twice.
    @Test func theConnectionGoesOn() throws {
        let served = try ServedRig(holdsSpool: true)
        let client = try served.client()
        let (put, _) = try written(client, to: "large")
        let large = try client.send(.put(put))
        guard case .statusReport = try client.call(.status) else { throw SupportError("no status") }
        guard case .accepted = try client.call(inline([1], to: "small")) else { throw SupportError("not accepted") }
        _ = try client.send(.put(put))
        #expect(try refusal(try client.receive()).code == .conflict)
        served.rig.spoolGate.open()
        let answer = try accepted(try client.answer(to: large))
        #expect(answer.level == .durable && answer.pin == .spool && answer.size == UInt64(Self.content.count))
        #expect(try served.rig.end(of: answer.id).state == .stored)
        #expect(served.rig.store.bytes(of: "large") == Self.content)
        #expect(served.rig.spool.used == 0)
        #expect(try served.finish() == [])
    }

    /// Hand-overs to one destination are accepted in the order in which they came, whatever their sources: the last one's bytes
    /// are what is stored in the end.
    @Test func theOrderOfADestination() throws {
        let served = try ServedRig(holdsSpool: true)
        let client = try served.client()
        let (first, _) = try written(client, to: "latest")
        let (third, _) = try written(client, to: "latest")
        let sent = [
            try client.send(.put(first)), try client.send(inline([2], to: "latest")), try client.send(.put(third)),
            try client.send(inline([4], to: "latest")),
        ]
        // The next answer is this one's: the others have arrived, and all of them wait.
        guard case .statusReport = try client.call(.status) else { throw SupportError("no status") }
        served.rig.spoolGate.open()
        var answers: [Accepted] = []
        for id in sent { answers.append(try accepted(try client.answer(to: id))) }
        let sequences = try answers.map { try served.rig.record(of: $0.id).sequence }
        #expect(sequences == sequences.sorted())
        for answer in answers { try served.rig.end(of: answer.id) }
        #expect(served.rig.store.bytes(of: "latest") == [4])
        #expect(try served.finish() == [])
    }

    /// A client that is gone when its file is durable has its job all the same: it may have been told nothing, but it asked for it.
    @Test func theEndOfTheConnection() throws {
        let served = try ServedRig(holdsSpool: true)
        do {
            let client = try served.client()
            let (put, _) = try written(client, to: "left")
            try client.send(.put(put))
            guard case .statusReport = try client.call(.status) else { throw SupportError("no status") }
        }
        served.endConnections()
        #expect(served.rig.spool.used == UInt64(Self.content.count))
        let behind = served.rig.submit(Put(destination: "left", source: .inline([2]), level: .accepted))
        #expect(behind.count == 0)
        served.rig.spoolGate.open()
        try served.rig.end(of: try behind.wait().get().id)
        let jobs = try served.rig.journal.records(JobQuery(limit: 10))
        #expect(jobs.map(\.size) == [UInt64(Self.content.count), 1])
        #expect(jobs.map(\.state) == [.stored, .stored])
        #expect(try served.finish() == [])
        #expect(served.rig.spool.used == 0)
    }

    /// A stop refuses what no thread has begun, leaves nothing of it, and takes what waited behind it in.
    @Test func aStop() throws {
        let served = try ServedRig(holdsSpool: true)
        let client = try served.client()
        let (first, number) = try written(client, to: "k")
        let (second, _) = try written(client, to: "k")
        let sent = [
            try client.send(.put(first)), try client.send(inline([2], to: "k")), try client.send(.put(second)),
        ]
        guard case .statusReport = try client.call(.status) else { throw SupportError("no status") }
        served.rig.committer.stop()
        var outcomes: [UInt64: TestClient.Answer] = [:]
        for _ in sent {
            let answer = try #require(try client.receive())
            outcomes[answer.requestID] = answer
        }
        #expect(try refusal(outcomes[sent[0]]).code == .shuttingDown)
        let small = try accepted(outcomes[sent[1]])
        #expect(try refusal(outcomes[sent[2]]).code == .shuttingDown)
        // And so does whatever comes later, while the files are the client's again.
        _ = try client.send(.put(first))
        #expect(try refusal(try client.receive()).code == .shuttingDown)
        #expect(served.rig.spool.used == 2 * UInt64(Self.content.count))
        _ = try client.call(.discardSpool(DiscardSpool(spool: number)))
        #expect(served.rig.spool.used == UInt64(Self.content.count))
        try served.rig.end(of: small.id)
        #expect(served.rig.store.bytes(of: "k") == [2])
        served.endConnections()
        #expect(served.rig.spool.used == 0)
        #expect(try served.finish() == [])
    }

    /// A file that is given back while it is committed becomes a job all the same, and nothing is counted twice.
    @Test func aDiscardMeanwhile() throws {
        let served = try ServedRig(holdsSpool: true)
        let client = try served.client()
        let (put, number) = try written(client, to: "k")
        let id = try client.send(.put(put))
        _ = try client.call(.discardSpool(DiscardSpool(spool: number)))
        #expect(served.rig.spool.used == UInt64(Self.content.count))
        served.rig.spoolGate.open()
        let answer = try accepted(try client.answer(to: id))
        try served.rig.end(of: answer.id)
        #expect(served.rig.spool.used == 0)
        #expect(try served.finish() == [])
    }
}
