import Glibc

/// The address of a Unix socket.
struct UnixAddress {
    /// How messages call it.
    let name: String
    private let address: sockaddr_un
    private let length: socklen_t

    /// The most bytes of a path; `sun_path` holds 108 with the NUL at its end.
    static let maximumPathLength = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// A socket in the file system.
    /// - Throws: ENAMETOOLONG with the limit; EINVAL when the path is empty or has a NUL inside.
    init(path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        if bytes.isEmpty || bytes.contains(0) { throw SystemError(call: "bind", errno: EINVAL, detail: path) }
        if bytes.count > Self.maximumPathLength {
            throw SystemError(
                call: "bind", errno: ENAMETOOLONG,
                detail: "\(path) (\(bytes.count) bytes; a socket's path has at most \(Self.maximumPathLength))")
        }
        self.init(name: path, bytes: bytes + [0])
    }

    /// A socket of the abstract name space, without the leading `@` that stands for it in text.
    init(abstract name: String) throws(SystemError) {
        let bytes = Array(name.utf8)
        if bytes.count > Self.maximumPathLength { throw SystemError(call: "bind", errno: ENAMETOOLONG, detail: "@\(name)") }
        // The length tells where an abstract name ends; a NUL behind it would be part of it.
        self.init(name: "@\(name)", bytes: [0] + bytes)
    }

    private init(name: String, bytes: [UInt8]) {
        self.name = name
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        self.address = address
        length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 0) + socklen_t(bytes.count)
    }

    /// Lends the address in the form that the calls take.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
