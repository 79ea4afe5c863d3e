import Glibc
import Testing

@testable import LinuxSystem

@Suite struct UnixListenerTests {
    /// The socket has the mode asked for, whatever the umask.
    @Test func hasItsMode() throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixListener.bind(path: directory("s"), mode: 0o660)
        #expect(try System.status(of: directory("s")).mode == S_IFSOCK | 0o660)
        #expect(listener.number >= 0)
    }

    /// Clients are accepted in order, and without one nothing blocks.
    @Test func acceptsConnections() throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixListener.bind(path: directory("s"))
        #expect(try accepted(listener) == nil)
        let client = try UnixSocket.connect(path: directory("s"))
        let session = try #require(try accepted(listener))
        #expect(fcntl(session.number, F_GETFD, 0) & FD_CLOEXEC != 0)
        try put("hello", client.number)
        var bytes = [UInt8](repeating: 0, count: 8)
        let count = try bytes.withUnsafeMutableBytes { try System.read(session.number, into: $0) }
        #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "hello")
    }

    /// A socket that nobody listens on any more is replaced.
    @Test func replacesAStaleSocket() throws {
        let directory = try TemporaryDirectory()
        try bindAndDrop(directory("s"))
        #expect(try System.status(of: directory("s")).kind == .socket)
        let listener = try UnixListener.bind(path: directory("s"))
        let client = try UnixSocket.connect(path: directory("s"))
        let session = try #require(try accepted(listener))
        #expect(session.number != client.number)
    }

    /// A living twin's socket is left alone, also when its queue of connections is full.
    @Test func refusesALivingTwin() throws {
        let directory = try TemporaryDirectory()
        let twin = try UnixListener.bind(path: directory("s"), backlog: 0)
        #expect(try systemError { _ = try UnixListener.bind(path: directory("s")) }.errno == EADDRINUSE)
        // The probe fills the queue, so the next one finds it full.
        let error = try systemError { _ = try UnixListener.bind(path: directory("s")) }
        #expect(error == SystemError(call: "bind", errno: EADDRINUSE, detail: directory("s")))
        #expect(try accepted(twin) != nil)
    }

    /// What is no socket is never removed.
    @Test func keepsOtherFiles() throws {
        let directory = try TemporaryDirectory()
        try directory.write("precious", to: "s")
        #expect(try systemError { _ = try UnixListener.bind(path: directory("s")) }.errno == ENOTSOCK)
        #expect(try System.status(of: directory("s")).size == 8)
    }

    /// A path that does not fit a socket's address is refused, with the limit in the message; the longest one works.
    @Test func limitsThePath() throws {
        let directory = try TemporaryDirectory()
        let longest = directory(String(repeating: "x", count: 107 - directory("").utf8.count))
        let listener = try UnixListener.bind(path: longest)
        _ = try UnixSocket.connect(path: longest)
        #expect(try accepted(listener) != nil)
        let error = try systemError { _ = try UnixListener.bind(path: longest + "x") }
        #expect(error.errno == ENAMETOOLONG)
        #expect(error.description.contains("108 bytes; a socket's path has at most 107"))
        #expect(try systemError { _ = try UnixSocket.connect(path: "") }.errno == EINVAL)
        #expect(try systemError { _ = try UnixSocket.connect(path: directory("a\0b")) }.errno == EINVAL)
    }

    /// The path goes with its listener, but not a successor's.
    @Test func removesItsOwnPathOnly() throws {
        let directory = try TemporaryDirectory()
        let first = try UnixListener.bind(path: directory("s"))
        try System.rename(directory("s"), to: directory("old"))
        let second = try UnixListener.bind(path: directory("s"))
        try first.removePath()
        #expect(try System.status(of: directory("s")).kind == .socket)
        try second.removePath()
        #expect(try systemError { _ = try System.status(of: directory("s")) }.errno == ENOENT)
        try second.removePath()
    }

    /// A listening Unix socket from elsewhere is taken over; its path stays where it is. Anything else is refused and closed.
    @Test func adoptsListeningSockets() throws {
        let directory = try TemporaryDirectory()
        let original = try UnixListener.bind(path: directory("s"))
        let adopted = try UnixListener.adopt(try System.duplicate(original.number))
        _ = try UnixSocket.connect(path: directory("s"))
        #expect(try accepted(adopted) != nil)
        try adopted.removePath()
        #expect(try System.status(of: directory("s")).kind == .socket)

        let (left, _) = try System.makeSocketPair()
        #expect(try systemError { _ = try UnixListener.adopt(try System.duplicate(left.number)) }.errno == EINVAL)
        let (reader, _) = try System.makePipe()
        #expect(try systemError { _ = try UnixListener.adopt(try System.duplicate(reader.number)) }.errno == ENOTSOCK)
    }

    private func accepted(_ listener: UnixListener) throws -> SharedDescriptor? {
        guard let session = try listener.accept() else { return nil }
        return SharedDescriptor(session)
    }

    private func bindAndDrop(_ path: String) throws {
        _ = try UnixListener.bind(path: path)
    }
}
