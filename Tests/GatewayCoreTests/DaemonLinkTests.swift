import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import NIOCore
import NIOPosix
import ScriptedDaemon
import TestSupport
import Testing

@testable import GatewayCore

/// Links to the daemon, and uploads over them.
@Suite(.timeLimit(.minutes(1)))
struct DaemonLinkTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/socket"
    }

    private func link() async throws -> DaemonLink {
        try await DaemonLink.connect(socket: path, environment: [:], tenant: "acme", threads: .singleton)
    }

    private static func run(_ id: String) -> Run {
        Run(id: id, experimentID: "e", tenant: "acme", startedAt: 0, artifactURI: "s3://b", isProvisional: false)
    }

    private static func accepted(_ size: UInt64) -> Message {
        .accepted(
            Accepted(
                id: JobID(high: 0, low: 1), level: .durable, pin: .spool, size: size, isDuplicate: false, destination: "s3://b/k")
        )
    }

    /// Many tasks ask over one link at once; each gets its own answer, whatever their order.
    @Test func handsAnswersOut() async throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            let hello = try peer.greet()
            guard hello.tenant == "acme" else { throw ScriptedDaemon.Failure("wrong tenant") }
            var requests: [Peer.Request] = []
            for _ in 0..<50 { requests.append(try peer.expect()) }
            for request in requests.reversed() {
                guard case .getRun(let get) = request.message else { throw ScriptedDaemon.Failure("wrong request") }
                try peer.answer(request, .run(Self.run(get.runID)))
            }
            _ = try peer.next()
        }
        let link = try await link()
        let ids = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<50 {
                group.addTask {
                    guard case .run(let run) = try await link.call(.getRun(GetRun(runID: "r\(number)"))).message else {
                        return (number, "")
                    }
                    return (number, run.id)
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(ids == Dictionary(uniqueKeysWithValues: (0..<50).map { ($0, "r\($0)") }))
        link.end()
        link.join()
        #expect(link.hasEnded)
        try daemon.finish()
    }

    /// A refusal refuses its own request alone; the daemon's end fails what is open, and what is asked later.
    @Test func failsWhatIsOpen() async throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let first = try peer.expect()
            try peer.answer(first, .error(ErrorMessage(ArtifactError(.notFound, "no such run"))))
            _ = try peer.expect()
        }
        let link = try await link()
        await #expect(throws: ClientError.failure(ArtifactError(.notFound, "no such run"))) {
            try await link.call(.getRun(GetRun(runID: "a")))
        }
        for _ in 0..<2 {
            await #expect(throws: ClientError.connectionLost(socket: path, cause: "the daemon closed it")) {
                try await link.call(.getRun(GetRun(runID: "b")))
            }
        }
        #expect(link.hasEnded)
        link.join()
        try daemon.finish()
    }

    /// Nobody at the socket is an error at once, and leaves no thread behind.
    @Test func cannotConnect() async throws {
        await #expect(throws: ClientError.noDaemon(socket: path, cause: "No such file or directory")) { try await link() }
    }

    /// Few bytes go with the request itself; no file is made for them.
    @Test func fewBytesGoInline() async throws {
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let request = try peer.expect()
            guard case .put(let put) = request.message, put.source == .inline(Array("hello, you".utf8)) else {
                throw ScriptedDaemon.Failure("wrong request \(request.message)")
            }
            try peer.answer(request, Self.accepted(10))
            _ = try peer.next()
        }
        let link = try await link()
        let file = IncomingFile(link: link, expected: 10, threads: .singleton)
        try await file.append(ByteBuffer(string: "hello, "))
        try await file.append(ByteBuffer(string: "you"))
        #expect(file.size == 10)
        #expect(try await file.commit { Put(destination: "k", source: $0) }.size == 10)
        link.end()
        link.join()
        try daemon.finish()
    }

    /// Many bytes are written to the daemon's file in their order; when it is handed over, no writable descriptor is left.
    @Test func manyBytesGoToTheSpool() async throws {
        let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let spool = "\(directory.path)/spool"
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let open = try peer.expect()
            guard open.message == .openSpool(OpenSpool(sizeHint: 3_000_000)) else {
                throw ScriptedDaemon.Failure("wrong request")
            }
            do {
                let file = try System.open(spool, O_RDWR | O_CREAT)
                try peer.answer(open, .spoolOpened(SpoolOpened(spool: 7)), descriptors: [file.number])
            }
            let put = try peer.expect()
            guard case .put(let request) = put.message, request.source == .spool(7) else {
                throw ScriptedDaemon.Failure("wrong request")
            }
            // As the daemon does: a lease is granted only when nobody can write any more.
            let reader = try System.open(spool, O_RDONLY)
            guard try System.takeReadLease(reader.number) else { throw ScriptedDaemon.Failure("a writer is left") }
            try peer.answer(put, Self.accepted(3_000_000))
            _ = try peer.next()
        }
        let link = try await link()
        let file = IncomingFile(link: link, expected: 3_000_000, threads: .singleton)
        var offset = 0
        for size in [10, 60_000, 70_000, 1, 1_000_000, 500, .max] {
            let piece = content[offset..<min(content.count, offset + min(size, content.count))]
            try await file.append(ByteBuffer(bytes: piece))
            offset += piece.count
        }
        #expect(offset == content.count && file.size == 3_000_000)
        #expect(try await file.commit { Put(destination: "k", source: $0) }.size == 3_000_000)
        link.end()
        link.join()
        try daemon.finish()
        var written = [UInt8](repeating: 0, count: content.count + 1)
        let reader = try System.open(spool, O_RDONLY)
        let count = try written.withUnsafeMutableBytes { try System.read(reader.number, into: $0, at: 0) }
        #expect(count == content.count && written.dropLast().elementsEqual(content))
    }

    /// What is given up is given back.
    @Test func discardsTheSpool() async throws {
        let spool = "\(directory.path)/spool"
        let daemon = try ScriptedDaemon(at: path) { peer in
            try peer.greet()
            let open = try peer.expect()
            do {
                let file = try System.open(spool, O_RDWR | O_CREAT)
                try peer.answer(open, .spoolOpened(SpoolOpened(spool: 3)), descriptors: [file.number])
            }
            let discard = try peer.expect()
            guard discard.message == .discardSpool(DiscardSpool(spool: 3)) else { throw ScriptedDaemon.Failure("wrong request") }
            try peer.answer(discard, .spoolDiscarded)
            _ = try peer.next()
        }
        let link = try await link()
        let file = IncomingFile(link: link, expected: 0, threads: .singleton)
        try await file.append(ByteBuffer(repeating: 1, count: 100_000))
        await file.discard()
        await file.discard()
        link.end()
        link.join()
        try daemon.finish()
    }
}
