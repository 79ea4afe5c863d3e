import Glibc

/// A Unix stream socket that accepts connections. Closed when the last reference goes.
public final class UnixListener: Sendable {
    /// The socket's node in the file system, as it was bound here.
    private struct Node {
        let path: String
        let device: UInt64
        let inode: UInt64
    }

    private let descriptor: Descriptor
    private let node: Node?

    /// The descriptor to poll for connections, valid while this object lives.
    public var number: Int32 { descriptor.number }

    private init(_ descriptor: consuming Descriptor, node: Node?) {
        self.descriptor = descriptor
        self.node = node
    }

    /// Listens at a path. A stale socket there, one that nobody listens on, is replaced.
    ///
    /// That two who start at once do not replace each other's is the caller's business: hold a lock file meanwhile.
    /// - Parameter mode: who may connect. Nobody can before the mode is set.
    /// - Throws: EADDRINUSE when somebody listens there; ENOTSOCK when something else has the path; ENAMETOOLONG above 107 bytes.
    public static func bind(path: String, mode: UInt32 = 0o660, backlog: Int32 = 128) throws(SystemError) -> UnixListener {
        let address = try UnixAddress(path: path)
        try removeStale(path)
        let descriptor = try System.makeSocket(SOCK_STREAM, flags: Int32(SOCK_NONBLOCK.rawValue))
        try System.bind(descriptor.number, to: address)
        let status = try System.status(of: path)
        let node = Node(path: path, device: status.device, inode: status.inode)
        // Until it listens, a connect is refused whatever the mode: so no umask is needed, which all threads would share.
        try System.setMode(mode, of: path)
        try System.listen(descriptor.number, backlog: backlog)
        return UnixListener(descriptor, node: node)
    }

    /// Takes over a listening socket that another bound: systemd's, by socket activation.
    /// - Throws: EINVAL when it is not a Unix stream socket that listens; ENOTSOCK when it is no socket. It is closed then.
    public static func adopt(_ descriptor: consuming Descriptor) throws(SystemError) -> UnixListener {
        let number = descriptor.number
        guard try option(SO_DOMAIN, of: number) == AF_UNIX,
            try option(SO_TYPE, of: number) == Int32(SOCK_STREAM.rawValue),
            try option(SO_ACCEPTCONN, of: number) != 0
        else { throw SystemError(call: "accept4", errno: EINVAL, detail: "descriptor \(number)") }
        try System.setStatusFlags(try System.statusFlags(of: number) | O_NONBLOCK, of: number)
        return UnixListener(descriptor, node: nil)
    }

    /// The next connection, in blocking mode; nil when none waits, or the one that did has gone.
    /// - Throws: EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection waits on; pause before the next try, or it spins.
    public func accept() throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return try System.accept(number)
        } catch {
            if error.errno == ECONNABORTED { return nil }
            throw error
        }
    }

    /// Takes the socket's path away, so that no client finds it any more, if it still is this socket's. Does nothing for a
    /// socket that another bound.
    public func removePath() throws(SystemError) {
        guard let node else { return }
        do throws(SystemError) {
            let status = try System.status(of: node.path)
            // A successor's socket may have taken the place.
            guard status.device == node.device, status.inode == node.inode else { return }
            try System.unlink(node.path)
        } catch {
            if error.errno != ENOENT { throw error }
        }
    }

    /// Removes a socket that nobody listens on any more. Does nothing where there is no file.
    /// - Throws: EADDRINUSE when somebody listens there; ENOTSOCK when something else has the path; ENAMETOOLONG above 107 bytes.
    public static func removeStale(_ path: String) throws(SystemError) {
        let address = try UnixAddress(path: path)
        do throws(SystemError) {
            // connect() refuses a node that is no socket just as a stale one: look first.
            guard try System.status(of: path).kind == .socket else {
                throw SystemError(call: "bind", errno: ENOTSOCK, detail: path)
            }
            // Not blocking: a living twin whose backlog is full answers EAGAIN.
            let probe = try System.makeSocket(SOCK_STREAM, flags: Int32(SOCK_NONBLOCK.rawValue))
            try System.connect(probe.number, to: address)
        } catch {
            switch error.errno {
            case ENOENT: return
            case ECONNREFUSED: return try System.unlink(path)
            case EAGAIN, EPROTOTYPE: break
            default: throw error
            }
        }
        throw SystemError(call: "bind", errno: EADDRINUSE, detail: path)
    }

    private static func option(_ option: Int32, of descriptor: Int32) throws(SystemError) -> Int32 {
        var value: Int32 = 0
        _ = try withUnsafeMutableBytes(of: &value) { bytes throws(SystemError) in
            try System.socketOption(option, of: descriptor, into: bytes)
        }
        return value
    }
}
