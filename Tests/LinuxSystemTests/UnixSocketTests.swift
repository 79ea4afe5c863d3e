import Glibc
import LinuxSystem
import Testing

@Suite struct UnixSocketTests {
    /// A descriptor arrives with the first byte it was sent with, close-on-exec, for the same file.
    @Test func passesDescriptors() throws {
        let (left, right) = try System.makeSocketPair()
        let file = try System.makeMemoryFile(name: "test")
        try put("content", file.number)
        #expect(try send("abc", to: left, [file.number]) == 3)
        let (bytes, reception) = try receive(right, maximumDescriptors: 4)
        #expect(bytes == "abc")
        #expect(!reception.truncated)
        let passed = try #require(reception.descriptors.first)
        #expect(reception.descriptors.count == 1)
        #expect(try System.status(of: passed.number).inode == System.status(of: file.number).inode)
        #expect(fcntl(passed.number, F_GETFD, 0) & FD_CLOEXEC != 0)
        #expect(try text(passed.number) == "content")
    }

    /// Descriptors come in the order in which they were sent, up to the kernel's own limit.
    @Test func keepsTheOrder() throws {
        let (left, right) = try System.makeSocketPair()
        let first = try System.makeMemoryFile(name: "first")
        let second = try System.makeMemoryFile(name: "second")
        let sent = (0..<UnixSocket.maximumDescriptors).map { $0 % 3 == 0 ? first.number : second.number }
        #expect(try send("x", to: left, sent) == 1)
        let (_, reception) = try receive(right, maximumDescriptors: UnixSocket.maximumDescriptors)
        #expect(!reception.truncated)
        let inode = try System.status(of: first.number).inode
        #expect(
            try reception.descriptors.map { try System.status(of: $0.number).inode == inode }
                == (0..<UnixSocket.maximumDescriptors).map { $0 % 3 == 0 })
        #expect(try systemError { _ = try send("x", to: left, sent + [first.number]) }.errno == EINVAL)
    }

    /// Five sent with room for two, one or none: told, and none of them stays open.
    @Test(arguments: [0, 1, 2]) func closesWhatIsTooMuch(room: Int) throws {
        let (left, right) = try System.makeSocketPair()
        let pipe = try LeakPipe()
        let writer = try #require(pipe.writer?.number)
        #expect(try send("x", to: left, Array(repeating: writer, count: 5)) == 1)
        pipe.closeWriter()
        #expect(try !pipe.isClosed, "five are under way")
        let (bytes, reception) = try receive(right, maximumDescriptors: room)
        #expect(bytes == "x")
        #expect(reception.truncated)
        #expect(reception.descriptors.isEmpty)
        #expect(try pipe.isClosed)
    }

    /// Descriptors that are dropped with their reception are closed.
    @Test func closesWhatIsDropped() throws {
        let (left, right) = try System.makeSocketPair()
        let pipe = try LeakPipe()
        let writer = try #require(pipe.writer?.number)
        #expect(try send("x", to: left, [writer, writer]) == 1)
        pipe.closeWriter()
        do {
            let (_, reception) = try receive(right, maximumDescriptors: 2)
            #expect(reception.descriptors.count == 2)
            let isClosed = try withExtendedLifetime(reception) { try pipe.isClosed }
            #expect(!isClosed)
        }
        #expect(try pipe.isClosed)
    }

    /// A room of one takes one: the padding of the control data is no room for a second.
    @Test func countsExactly() throws {
        let (left, right) = try System.makeSocketPair()
        let file = try System.makeMemoryFile(name: "test")
        #expect(try send("x", to: left, [file.number, file.number]) == 1)
        #expect(try receive(right, maximumDescriptors: 1).1.truncated)
        #expect(try send("x", to: left, [file.number]) == 1)
        #expect(try receive(right, maximumDescriptors: 1).1.descriptors.count == 1)
    }

    /// Nothing there and nothing to be had are different answers.
    @Test func tellsWaitingFromTheEnd() throws {
        let alone = try socketWithoutPeer()
        #expect(try receiveNow(alone.number)?.count == 0)
        let (left, right) = try System.makeSocketPair()
        #expect(try receiveNow(left.number) == nil)
        try put("x", right.number)
        #expect(try receiveNow(left.number)?.count == 1)
    }

    /// A full socket says so, what was sent before arrives whole, and a closed one is an error and no signal.
    @Test func tellsAFullSocket() throws {
        let (left, right) = try System.makeSocketPair()
        let chunk = [UInt8](repeating: 7, count: 64 << 10)
        var sent = 0
        while let count = try chunk.withUnsafeBytes({
            try UnixSocket.send(left.number, $0, flags: Int32(MSG_DONTWAIT))
        }) {
            sent += count
        }
        #expect(sent > 0)
        var received = 0
        while let reception = try receiveNow(right.number) { received += reception.count }
        #expect(received == sent)
        let survivor = try socketWithoutPeer()
        #expect(try systemError { try chunk.withUnsafeBytes { try UnixSocket.sendAll(survivor.number, $0) } }.errno == EPIPE)
    }

    /// The credentials are those of the process that connected: here, this one.
    @Test func knowsThePeer() throws {
        let (left, _) = try System.makeSocketPair()
        let peer = try PeerCredentials(of: left.number)
        #expect(peer.pid == getpid())
        #expect(peer.uid == geteuid())
        #expect(peer.gid == getegid())
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(Int32(groups.count), &groups)
        #expect(peer.groups.sorted() == groups.prefix(Int(count)).sorted())
    }

    private func send(_ text: String, to socket: SharedDescriptor, _ descriptors: [Int32]) throws -> Int? {
        try Array(text.utf8).withUnsafeBytes { try UnixSocket.send(socket.number, $0, descriptors: descriptors) }
    }

    private func receive(
        _ socket: SharedDescriptor, maximumDescriptors: Int
    ) throws -> (String, UnixSocket.Reception) {
        var bytes = [UInt8](repeating: 0, count: 64)
        let reception = try bytes.withUnsafeMutableBytes {
            try UnixSocket.receive(
                socket.number, into: $0, maximumDescriptors: maximumDescriptors, flags: Int32(MSG_DONTWAIT))
        }
        let arrived = try #require(reception)
        return (String(decoding: bytes.prefix(arrived.count), as: UTF8.self), arrived)
    }

    private func receiveNow(_ socket: Int32) throws -> UnixSocket.Reception? {
        var bytes = [UInt8](repeating: 0, count: 100_000)
        return try bytes.withUnsafeMutableBytes {
            try UnixSocket.receive(socket, into: $0, maximumDescriptors: 0, flags: Int32(MSG_DONTWAIT))
        }
    }

    /// A socket whose other side is closed.
    private func socketWithoutPeer() throws -> SharedDescriptor {
        let (left, _) = try System.makeSocketPair()
        return left
    }
}
