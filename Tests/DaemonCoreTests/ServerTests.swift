import ArtifactModel
import ArtifactWire
import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct ServerTests {
    // MARK: Hello

    /// Nothing but hello is heard first.
    @Test func helloComesFirst() throws {
        let served = try ServedRig()
        let client = try TestClient(served.socket, greets: false)
        try client.send(.status)
        #expect(try client.endOfConnection()?.code == .invalidRequest)
        #expect(try served.finish() == [])
    }

    /// A client that speaks no version in common is told which there are.
    @Test func versionsMustMeet() throws {
        let served = try ServedRig()
        let client = try TestClient(served.socket, greets: false)
        var hello = Hello(client: "test", tenant: nil)
        hello.versions = 900...901
        try client.send(.hello(hello))
        let refusal = try client.endOfConnection()
        #expect(refusal?.code == .unsupportedVersion)
        #expect(refusal?.message.contains("900 to 901") == true)
        #expect(try served.finish() == [])
    }

    /// A second hello is refused and ends nothing.
    @Test func helloComesOnce() throws {
        let served = try ServedRig()
        let client = try served.client()
        #expect(failure { _ = try client.call(.hello(Hello(client: "again", tenant: nil))) }?.code == .invalidRequest)
        guard case .statusReport = try client.call(.status) else { throw SupportError("no status") }
        #expect(try served.finish() == [])
    }

    // MARK: Bad frames

    static func header(length: UInt32, type: UInt16 = 1, descriptors: UInt8 = 0, id: UInt64 = 9) -> [UInt8] {
        func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        return bytes(length) + bytes(type) + [descriptors, 0] + bytes(id)
    }

    /// A frame that cannot be is answered with the reason, ends its connection, and no other.
    @Test(arguments: [
        ServerTests.header(length: .max), ServerTests.header(length: 0), ServerTests.header(length: 15),
        ServerTests.header(length: (1 << 20) + 1), ServerTests.header(length: 16, id: 0),
        ServerTests.header(length: 16, descriptors: 1), ServerTests.header(length: 16, descriptors: 200),
        [UInt8]("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
        ServerTests.header(length: 20) + [0xFF, 0xFF, 0xFF, 0xFF],
    ])
    func aBadFrameEndsItsConnection(frame: [UInt8]) throws {
        let served = try ServedRig()
        let other = try served.client()
        for greets in [true, false] {
            let bad = try TestClient(served.socket, greets: greets)
            try bad.send(frame)
            let reason = try bad.endOfConnection()
            #expect([.malformedFrame, .frameTooLarge, .invalidRequest, .unsupportedMessage].contains(reason?.code))
        }
        guard case .statusReport = try other.call(.status) else { throw SupportError("no status") }
        #expect(try served.finish() == [])
    }

    /// Descriptors that no frame announces are not gathered: the connection ends.
    @Test func descriptorsAreNotGathered() throws {
        let served = try ServedRig()
        let (end, _) = try System.makeSocketPair()
        let client = try served.client()
        // The beginning of a frame that never comes, with more and more descriptors.
        try client.send(Self.header(length: 100_000, descriptors: 1), [end.number])
        #expect(throws: (any Error).self) {
            for _ in 0..<1000 { try client.send([0], [end.number, end.number]) }
            throw SupportError(try client.endOfConnection()?.message ?? "")
        }
        #expect(try served.finish() == [])
    }

    /// A type that nobody knows is refused, and the connection goes on; so is a descriptor where none belongs.
    @Test func refusalsEndNothing() throws {
        let served = try ServedRig()
        let client = try served.client()
        try client.send(Self.header(length: 16, type: 0x7ABC, id: 77))
        let answer = try #require(try client.receive())
        guard case .error(let refusal) = answer.message else { throw SupportError("no error") }
        #expect(answer.requestID == 77 && refusal.error.code == .unsupportedMessage)
        let file = try System.open(try served.rig.file([1]), 0)
        #expect(failure { _ = try client.call(.status, descriptor: file.number) }?.code == .invalidRequest)
        let tooLarge = Put(destination: "k", source: .inline([UInt8](repeating: 0, count: 70_000)))
        #expect(failure { _ = try client.call(.put(tooLarge)) }?.code == .tooLarge)
        #expect(failure { _ = try client.call(.put(Put(destination: "k", source: .descriptor))) }?.code == .invalidRequest)
        guard case .statusReport = try client.call(.status) else { throw SupportError("no status") }
        #expect(try served.finish() == [])
    }

    // MARK: Traffic

    /// Five thousand hand-overs sent without waiting for an answer are all accepted and stored.
    @Test func pipelining() throws {
        let served = try ServedRig { $0.requestsPerConnection = 200 }
        let client = try served.client()
        let count = 5000
        var ids: Set<JobID> = []
        var sent = 0
        var received = 0
        while received < count {
            while sent < count, sent - received < 1000 {
                try client.send(.put(Put(destination: "m/\(sent)", source: .inline(Array("\(sent)".utf8)))))
                sent += 1
            }
            let answer = try #require(try client.receive())
            guard case .accepted(let accepted) = answer.message else { throw SupportError("\(answer.message)") }
            ids.insert(accepted.id)
            received += 1
        }
        #expect(ids.count == count)
        guard case .waited(let waited) = try client.call(.wait(Wait(ids: []))) else { throw SupportError("no wait") }
        #expect(waited == Waited(pending: 0, failed: 0))
        for number in stride(from: 0, to: count, by: 97) {
            #expect(served.rig.store.bytes(of: "m/\(number)") == Array("\(number)".utf8))
        }
        #expect(try served.finish() == [])
    }

    /// Many clients at once, each with its own jobs.
    @Test func manyClients() throws {
        let served = try ServedRig()
        let socket = served.socket
        try Threads.run(8) { index in
            let client = try TestClient(socket)
            for number in 0..<50 {
                let put = Put(destination: "c\(index)/\(number)", source: .inline([UInt8(index)]), level: .stored)
                guard case .accepted(let accepted) = try client.call(.put(put)) else { throw SupportError("not accepted") }
                #expect(accepted.level == .stored)
            }
        }
        for index in 0..<8 { #expect(served.rig.store.bytes(of: "c\(index)/49") == [UInt8(index)]) }
        #expect(try served.finish() == [])
    }

    /// A client that sends and does not read keeps nobody else waiting, and finds all answers when it reads at last.
    @Test func aSlowReader() throws {
        let served = try ServedRig()
        let slow = try served.client()
        let count = 600
        for _ in 0..<count { try slow.send(.status) }
        let other = try served.client()
        guard case .accepted = try other.call(.put(Put(destination: "k", source: .inline([1]), level: .stored))) else {
            throw SupportError("not accepted")
        }
        for _ in 0..<count {
            guard case .statusReport = try #require(try slow.receive()).message else { throw SupportError("no status") }
        }
        #expect(try served.finish() == [])
    }

    /// A client that leaves while all its answers are owed is let go at once, though nothing more is read from it.
    @Test func leavingWithAnswersOwed() throws {
        let served = try ServedRig { $0.requestsPerConnection = 2 }
        let gate = served.rig.makeGate()
        served.rig.store.setHook { if $0.operation == .put { gate.pass() } }
        let watcher = try served.client()
        do {
            let leaving = try served.client()
            for number in 0..<4 { try leaving.send(.put(Put(destination: "k\(number)", source: .inline([1]), level: .stored))) }
            try gate.waitForArrivals()
        }
        try served.waitForConnections(1, watcher)
        gate.open()
        _ = try watcher.call(.wait(Wait(ids: [])))
        #expect(try served.finish() == [])
    }

    /// The end of the daemon is told to those who are connected.
    @Test func theEndIsTold() throws {
        let served = try ServedRig()
        let client = try served.client()
        served.endConnections()
        #expect(try client.endOfConnection()?.code == .shuttingDown)
        #expect(try served.finish() == [])
    }

    /// Beyond the number of connections that there may be, one more is told so.
    @Test func connectionsAreBounded() throws {
        let served = try ServedRig { $0.connections = 2 }
        let first = try served.client()
        let second = try served.client()
        let third = try TestClient(served.socket, greets: false)
        #expect(try third.endOfConnection()?.code == .busy)
        _ = (first, second)
        #expect(try served.finish() == [])
    }

    // MARK: Spool files

    /// A spool file becomes a job's when nobody can write to it any more: durable, without a copy.
    @Test func spoolFiles() throws {
        let served = try ServedRig()
        let client = try served.client()
        let content = SeededBytes.make(seed: 3, count: 200_000)
        let number: UInt64
        let put: Put
        do {
            let opened = try client.answer(to: try client.send(.openSpool(OpenSpool(sizeHint: 1000))))
            guard case .spoolOpened(let spool) = opened.message else { throw SupportError("no spool file") }
            number = spool.spool
            put = Put(destination: "s", source: .spool(number), level: .durable)
            #expect(served.rig.spool.used == 1000)
            let writer = try #require(opened.descriptor)
            try content.withUnsafeBytes { try System.write($0, to: writer.number, at: 0) }
            #expect(failure { _ = try client.call(.put(put)) }?.code == .conflict)
        }
        guard case .accepted(let accepted) = try client.call(.put(put)) else { throw SupportError("not accepted") }
        #expect(accepted.level == .durable && accepted.pin == .spool && accepted.size == 200_000)
        // It is the job's now.
        #expect(failure { _ = try client.call(.put(put)) }?.code == .notFound)
        #expect(try served.rig.end(of: accepted.id).state == .stored)
        #expect(served.rig.store.bytes(of: "s") == content)
        #expect(served.rig.spool.used == 0)
        #expect(try served.finish() == [])
    }

    /// A connection that ends gives the quota of its spool files back.
    @Test func spoolFilesOfTheGone() throws {
        let served = try ServedRig()
        do {
            let client = try served.client()
            for size in [1000, 500] as [UInt64] { _ = try client.call(.openSpool(OpenSpool(sizeHint: size))) }
            #expect(served.rig.spool.used == 1500)
            #expect(failure { _ = try client.call(.discardSpool(DiscardSpool(spool: 99))) }?.code == .notFound)
            _ = try client.call(.discardSpool(DiscardSpool(spool: 1)))
            #expect(served.rig.spool.used == 500)
        }
        served.endConnections()
        #expect(served.rig.spool.used == 0)
        #expect(try served.finish() == [])
    }

    // MARK: Requests

    /// The status document has the keys that scripts rely on.
    @Test func statusKeys() throws {
        let served = try ServedRig()
        let client = try served.client()
        _ = try client.call(.put(Put(destination: "k", source: .inline([1, 2, 3]), level: .stored)))
        guard case .statusReport(let text) = try client.call(.status) else { throw SupportError("no status") }
        let document = try #require(try JSONSerialization.jsonObject(with: Data(text.json.utf8)) as? [String: Any])
        func value(_ path: String) -> Any? {
            path.split(separator: ".").reduce(document as Any?) { ($0 as? [String: Any])?[String($1)] }
        }
        for path in [
            "daemon.version", "daemon.pid", "daemon.store", "daemon.integrity", "daemon.uptime_seconds", "queue.jobs.accepted",
            "queue.jobs.uploading", "queue.jobs.stored", "queue.jobs.failed", "queue.jobs.cancelled", "queue.bytes_pending",
            "workers.active", "workers.limit", "buffers.used", "buffers.limit", "throughput.bytes_per_second", "in_flight",
        ] { #expect(value(path) != nil, "\(path)") }
        #expect(value("queue.jobs.stored") as? Int == 1)
        #expect(value("daemon.store") as? String == "s3://memory")
        #expect(try served.finish() == [])
    }

    /// Objects are listed, read decoded into the client's file, and deleted.
    @Test func objects() throws {
        let served = try ServedRig()
        let client = try served.client()
        let content = prose(300_000)
        let path = try served.rig.file(content)
        do {
            let file = try System.open(path, O_RDONLY)
            let put = Put(destination: "logs/a", source: .descriptor, compression: .zstd, level: .stored)
            _ = try client.call(.put(put), descriptor: file.number)
        }
        guard case .objects(let page) = try client.call(.listObjects(ListObjects(prefix: "logs/"))) else {
            throw SupportError("no list")
        }
        #expect(page.entries.map(\.uri) == ["s3://memory/logs/a"])
        let target = try System.open(path + ".out", O_RDWR | O_CREAT, mode: 0o600)
        guard case .got(let got) = try client.call(.get(Get(uri: "logs/a")), descriptor: target.number) else {
            throw SupportError("not got")
        }
        #expect(got.size == UInt64(content.count) && got.encoding == .zstd)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".out")) == Data(content))
        let reading = try System.open(path, O_RDONLY)
        let refused = failure { _ = try client.call(.get(Get(uri: "logs/a")), descriptor: reading.number) }
        #expect(refused?.code == .invalidRequest)
        _ = try client.call(.delete(Delete(uri: "logs/a")))
        #expect(failure { _ = try client.call(.delete(Delete(uri: "logs/a"))) }?.code == .notFound)
        #expect(try served.finish() == [])
    }

    /// A wait is over when its time is, and says how many are left.
    @Test func waitsEnd() throws {
        let served = try ServedRig()
        let gate = served.rig.makeGate()
        served.rig.store.setHook { if $0.operation == .put { gate.pass() } }
        let client = try served.client()
        guard case .accepted(let accepted) = try client.call(.put(Put(destination: "k", source: .inline([1])))) else {
            throw SupportError("not accepted")
        }
        let wait = Wait(ids: [accepted.id], timeout: 1)
        guard case .waited(let waited) = try client.call(.wait(wait)) else { throw SupportError("no wait") }
        #expect(waited == Waited(pending: 1, failed: 0))
        let unknown = Wait(ids: [JobID(high: 1, low: 1)])
        #expect(failure { _ = try client.call(.wait(unknown)) }?.code == .notFound)
        gate.open()
        _ = try client.call(.wait(Wait(ids: [accepted.id])))
        #expect(try served.finish() == [])
    }
}

extension ServedRig {
    /// Asks for the status until there are so many connections: each answer comes from the daemon, and none is waited for here.
    func waitForConnections(_ count: Int, _ client: TestClient) throws {
        let deadline = System.monotonicNanoseconds() + 60_000_000_000
        while System.monotonicNanoseconds() < deadline {
            guard case .statusReport(let text) = try client.call(.status) else { throw SupportError("no status") }
            if text.json.contains("\"connections\":{\"limit\":256,\"used\":\(count)}") { return }
        }
        throw SupportError("there are not \(count) connections")
    }
}
