import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import ScriptedDaemon
import TestSupport
import Testing

@Suite("Client", .timeLimit(.minutes(1)))
struct ClientTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/socket"
    }

    private func connect(timeout: Duration = .seconds(10)) throws(ClientError) -> Client {
        try Client.connect(socket: path, environment: [:], clientName: "tests/1", tenant: "acme", timeout: timeout)
    }

    private static func accepted(_ number: UInt64 = 1) -> Message {
        .accepted(
            Accepted(
                id: JobID(high: 0, low: number), level: .accepted, pin: .inline, size: number, isDuplicate: false,
                destination: "s3://bucket/key"))
    }

    private static func put(_ key: String = "key") -> Message { .put(Put(destination: key, source: .inline([1, 2, 3]))) }

    /// The greeting carries who speaks and for whom, and what the daemon says in return is in force.
    @Test func greets() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            let hello = try peer.greet()
            guard hello.client == "tests/1", hello.tenant == "acme", hello.versions == 1...1 else {
                throw ScriptedDaemon.Failure("wrong greeting: \(hello)")
            }
        }
        #expect(try connect().welcome == Peer.welcome)
        try daemon.finish()
    }

    /// A path where nothing is, and a socket that nobody listens on, are told apart from every other failure.
    @Test func tellsThatThereIsNoDaemon() throws {
        #expect(throws: ClientError.noDaemon(socket: path, cause: "No such file or directory")) { try connect() }
        _ = try UnixListener.bind(path: path)
        #expect(throws: ClientError.noDaemon(socket: path, cause: "Connection refused")) { try connect() }
    }

    /// A daemon that speaks no common version refuses, and its reason reaches the caller.
    @Test func reportsRefusedVersion() throws {
        let refusal = ArtifactError(.unsupportedVersion, "this daemon speaks 7 to 9", cause: "why")
        let daemon = try ScriptedDaemon(at: path) { peer in
            _ = try peer.expect()
            try peer.send(.error(ErrorMessage(refusal)), requestID: 0)
        }
        #expect(throws: ClientError.failure(refusal)) { try connect() }
        try daemon.finish()
    }

    /// A daemon that chooses a version the client did not offer is not taken at its word.
    @Test func refusesForeignVersion() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            var welcome = Peer.welcome
            welcome.version = 2
            try peer.greet(welcome)
        }
        let error = try #require(throws: ClientError.self) { try connect() }
        #expect(error.code == "unsupported_version")
        try daemon.finish()
    }

    /// A daemon with too many connections says so before it has read anything, and the client hears it.
    @Test func hearsRefusalBeforeTheGreeting() throws {
        let refusal = ArtifactError(.busy, "too many connections", retryAfterMilliseconds: 50)
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.send(.error(ErrorMessage(refusal)), requestID: 0)
        }
        #expect(throws: ClientError.failure(refusal)) { try connect() }
        try daemon.finish()
    }

    /// A daemon that takes the connection and says nothing does not hold the caller for ever.
    @Test func givesUpOnSilence() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            while try peer.next() != nil {}
        }
        let error = try #require(throws: ClientError.self) { try connect(timeout: .milliseconds(20)) }
        #expect(error.code == "timeout")
        try daemon.finish()
    }

    /// Where nobody even takes the connection because the daemon's queue of them is full, the caller is not held up for ever.
    @Test func givesUpOnFullBacklog() throws {
        let listener = try UnixListener.bind(path: path, backlog: 0)
        let first = try UnixSocket.connect(path: path)
        let error = try #require(throws: ClientError.self) { try connect(timeout: .milliseconds(20)) }
        #expect(error.code == "timeout" && error.description.contains(path))
        // Both are open until here.
        _ = (listener.number, first.number)
    }

    /// A daemon that stops answering in the middle, a request being open, is given up with an error that names its socket.
    @Test func givesUpOnDaemonThatHangs() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            while try peer.next() != nil {}
        }
        do {
            let client = try connect(timeout: .seconds(1))
            let error = try #require(throws: ClientError.self) { try client.status() }
            #expect(error.code == "timeout" && error.description.contains(path))
            #expect(throws: error) { try client.receive() }
        }
        try daemon.finish()
    }

    /// An answer that takes its time is waited for as long as the daemon gives signs of life, and these reach nobody else.
    @Test func waitsForDaemonThatLives() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let wait = try peer.expect()
            for _ in 0..<2 {
                let question = try peer.expect()
                guard question.message == .status else { throw ScriptedDaemon.Failure("\(question.message)") }
                try peer.answer(question, .statusReport(StatusText(json: "{}")))
            }
            try peer.answer(wait, .waited(Waited(pending: 0, failed: 0)))
        }
        let client = try connect(timeout: .seconds(2))
        #expect(try client.wait(Wait(ids: [])) == Waited(pending: 0, failed: 0))
        #expect(throws: ClientError.connectionLost(socket: path, cause: "the daemon closed it")) { try client.receive() }
        try daemon.finish()
    }

    /// At the request limit the daemon does not read: nothing more is asked, and its silence proves nothing.
    @Test func bearsSilenceAtTheRequestLimit() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            var welcome = Peer.welcome
            welcome.requestLimit = 1
            try peer.greet(welcome)
            _ = try peer.expect()
            guard try peer.next() == nil else { throw ScriptedDaemon.Failure("something was asked above the limit") }
        }
        do {
            let client = try connect(timeout: .seconds(1))
            _ = try client.send(Self.put())
            #expect(try client.receive(timeout: .seconds(2)) == nil)
        }
        try daemon.finish()
    }

    /// A wait with a timeout ends soon after it, though the daemon answers everything but the wait.
    @Test func endsTheWaitItself() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            while let request = try peer.next() {
                if request.message == .status { try peer.answer(request, .statusReport(StatusText(json: "{}"))) }
            }
        }
        do {
            let client = try connect(timeout: .seconds(4))
            let start = System.monotonicNanoseconds()
            let error = try #require(throws: ClientError.self) { try client.wait(Wait(ids: [], timeout: 10)) }
            #expect(error.code == "timeout")
            #expect(System.monotonicNanoseconds() - start >= 5_000_000_000)
        }
        try daemon.finish()
    }

    /// Ten thousand hand-overs with descriptors, sent before one answer is taken, to a daemon that reads no further while an
    /// answer cannot be written: no deadlock, no answer lost, and each under its request's id.
    @Test func pipelinesWithoutDeadlock() throws {
        let count = 10_000
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            try peer.shrinkSendBuffer()
            for _ in 0..<count {
                let request = try peer.expect()
                guard request.descriptors.count == 1 else { throw ScriptedDaemon.Failure("no descriptor came") }
                try peer.answer(request, Self.accepted(request.id))
            }
        }
        let client = try connect()
        let file = try System.makeMemoryFile(name: "source")
        var ids: [UInt64] = []
        for _ in 0..<count {
            ids.append(try client.send(.put(Put(destination: "key", source: .descriptor)), descriptor: file.number))
        }
        for id in ids {
            let answer = try #require(try client.receive())
            try #require(answer.requestID == id)
            try #require(answer.message == Self.accepted(id))
        }
        try daemon.finish()
    }

    /// Answers come in any order; a call waits for its own and keeps the others for whoever asks.
    @Test func keepsAnswersToOthers() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let requests = [try peer.expect(), try peer.expect(), try peer.expect()]
            for request in requests {
                try peer.answer(request, request.id == requests[2].id ? .deleted : Self.accepted(request.id))
            }
        }
        let client = try connect()
        let first = try client.send(Self.put())
        let second = try client.send(Self.put())
        try client.delete("key")
        #expect(try client.receive()?.requestID == first)
        #expect(try client.receive()?.message == Self.accepted(second))
        try daemon.finish()
    }

    /// A refusal under a request's id refuses that request alone; the connection goes on.
    @Test func goesOnAfterRefusal() throws {
        let refusal = ArtifactError(.notFound, "there is no such job")
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            try peer.answer(try peer.expect(), .error(ErrorMessage(refusal)))
            try peer.answer(try peer.expect(), .cancelled(Cancelled(state: .stored)))
        }
        let client = try connect()
        let id = JobID(high: 1, low: 2)
        #expect(throws: ClientError.failure(refusal)) { try client.cancel(id) }
        #expect(try client.cancel(id) == .stored)
        try daemon.finish()
    }

    /// Where nothing arrives in time, the caller gets nothing and may go on.
    @Test func stopsWaitingInTime() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let put = try peer.expect()
            let status = try peer.expect()
            try peer.answer(put, Self.accepted())
            try peer.answer(status, .statusReport(StatusText(json: "{}")))
        }
        let client = try connect()
        _ = try client.send(Self.put())
        #expect(try client.receive(timeout: .zero) == nil)
        #expect(try client.receive(timeout: .milliseconds(20)) == nil)
        #expect(try client.status() == "{}")
        #expect(try client.receive()?.message == Self.accepted())
        try daemon.finish()
    }

    /// When the daemon dies, what it had answered is still told; then the loss is, as often as anybody asks.
    @Test func tellsOfTheDaemonsDeath() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            try peer.answer(try peer.expect(), Self.accepted())
            let frame = try Self.accepted().frame(requestID: try peer.expect().id)
            try peer.write(Array(frame.dropLast()))
        }
        let client = try connect()
        _ = try client.send(Self.put())
        _ = try client.send(Self.put())
        try daemon.finish()
        #expect(try client.receive()?.message == Self.accepted())
        let lost = ClientError.connectionLost(socket: path, cause: "the daemon closed it in the middle of an answer")
        #expect(throws: lost) { try client.receive() }
        #expect(throws: lost) { try client.call(.status) }
    }

    /// A daemon that ends the connection with its reason: the reason is thrown, not the broken pipe that sending meets.
    @Test func tellsTheDaemonsLastWords() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            try peer.answer(try peer.expect(), Self.accepted())
            try peer.send(.error(ErrorMessage(ArtifactError(.malformedFrame, "your frame is bad"))), requestID: 0)
        }
        let client = try connect()
        _ = try client.send(Self.put())
        try daemon.finish()
        let lastWords = ClientError.failure(ArtifactError(.malformedFrame, "your frame is bad"))
        #expect(throws: lastWords) { try client.send(Self.put()) }
        #expect(try client.receive()?.message == Self.accepted())
        #expect(throws: lastWords) { try client.receive() }
    }

    /// A message that fits into no frame is refused before a byte of it is sent.
    @Test func refusesMessageThatFitsNoFrame() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            try peer.answer(try peer.expect(), Self.accepted())
        }
        let client = try connect()
        let large = Message.put(Put(destination: "key", source: .inline(Array(repeating: 0, count: 1 << 20))))
        let error = try #require(throws: ClientError.self) { try client.call(large) }
        #expect(error.code == "frame_too_large")
        #expect(try client.call(Self.put()) == Self.accepted())
        try daemon.finish()
    }

    /// What travels is the open file: the daemon reads it though the caller has closed it and its name is gone.
    @Test func passesDescriptor() throws {
        let source = "\(directory.path)/source"
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let request = try peer.expect()
            try System.unlink(source)
            guard let file = request.descriptors.first else { throw ScriptedDaemon.Failure("no descriptor came") }
            try peer.answer(request, Self.accepted(UInt64(try Self.contents(of: file.number).count)))
        }
        try Self.write("whole", to: source)
        let client = try connect()
        do {
            let file = try SourceFile.open(source)
            #expect(file.size == 5)
            _ = try client.send(.put(Put(destination: "key", source: .descriptor)), descriptor: file.descriptor.number)
        }
        #expect(try client.receive()?.message == Self.accepted(5))
        try daemon.finish()
    }

    /// The descriptor of a spool file reaches the caller, who can write to it.
    @Test func receivesDescriptor() throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let file = try System.makeMemoryFile(name: "spool")
            try peer.answer(try peer.expect(), .spoolOpened(SpoolOpened(spool: 7)), descriptors: [file.number])
            // The client closes when it has written.
            guard try peer.next() == nil, try Self.contents(of: file.number) == Array("spooled".utf8) else {
                throw ScriptedDaemon.Failure("the spool file is not what was written")
            }
        }
        do {
            let client = try connect()
            _ = try client.send(.openSpool(OpenSpool(sizeHint: 7)))
            let answer = try #require(try client.receive())
            #expect(answer.message == .spoolOpened(SpoolOpened(spool: 7)))
            let spool = try #require(answer.descriptor)
            try Array("spooled".utf8).withUnsafeBytes { try System.write($0, to: spool.number) }
        }
        try daemon.finish()
    }

    /// A daemon that breaks the protocol ends the connection with an error that says so, and nothing it sends later counts.
    @Test(arguments: Violation.allCases) func refuses(_ violation: Violation) throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            try violation.commit(peer, answering: try peer.expect())
            // The client may be gone by now: it owes such a daemon nothing.
        }
        let client = try connect()
        _ = try client.send(Self.put())
        let error = try #require(throws: ClientError.self) { try client.receive() }
        #expect(error.code == violation.code)
        #expect(error.description.contains("broke the protocol"))
        #expect(throws: error) { try client.call(.status) }
        try daemon.finish()
    }

    private static func contents(of descriptor: Int32) throws -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
        defer { buffer.deallocate() }
        return Array(buffer[..<(try System.read(descriptor, into: buffer, at: 0))])
    }

    private static func write(_ text: String, to path: String) throws {
        let file = try System.open(path, O_WRONLY | O_CREAT | O_EXCL)
        try Array(text.utf8).withUnsafeBytes { try System.write($0, to: file.number) }
    }
}
