import CLinux
import Glibc

/// Connections over Unix sockets, with descriptors passed along.
public enum UnixSocket {
    /// What arrived.
    public struct Reception: Sendable {
        /// The bytes received. 0: the other side has closed.
        public let count: Int
        /// The descriptors that came with the bytes, in order; empty when truncated.
        public let descriptors: [SharedDescriptor]
        /// Whether there were more descriptors than allowed, or than this process may open. Those that arrived are closed.
        public let truncated: Bool
    }

    /// The most descriptors that the kernel takes in one message (`SCM_MAX_FD`).
    public static let maximumDescriptors = 253

    /// Connects to a listening socket, blocking.
    /// - Parameter timeout: how long the listener's queue may be full, and a blocking send on the socket may take; nil for without
    ///   end.
    /// - Throws: ENOENT or ECONNREFUSED when nobody listens; EACCES when its mode does not allow it; EAGAIN when the time is up.
    public static func connect(path: String, timeout: Duration? = nil) throws(SystemError) -> Descriptor {
        let descriptor = try System.makeSocket(SOCK_STREAM)
        if let timeout { try System.setSendTimeout(timeout, of: descriptor.number) }
        try System.connect(descriptor.number, to: try UnixAddress(path: path))
        return descriptor
    }

    /// Receives what is there; nil when nothing is and the socket, or `MSG_DONTWAIT` in `flags`, does not wait.
    ///
    /// The kernel returns at most one message that carries descriptors, but may glue plain bytes before it to it.
    /// - Parameter maximumDescriptors: more that arrive at once make the reception truncated.
    public static func receive(
        _ socket: Int32, into buffer: UnsafeMutableRawBufferPointer, maximumDescriptors: Int, flags: Int32 = 0
    ) throws(SystemError) -> Reception? {
        // CMSG_LEN, not CMSG_SPACE: the padding of the latter would let the kernel fit one descriptor more.
        let controlLength =
            maximumDescriptors == 0 ? 0 : clinux_cmsg_len(maximumDescriptors * MemoryLayout<Int32>.stride)
        return try withControl(byteCount: controlLength) { control throws(SystemError) in
            var vector = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
            return try withUnsafeMutablePointer(to: &vector) { vector throws(SystemError) in
                var message = msghdr()
                message.msg_iov = vector
                message.msg_iovlen = 1
                message.msg_control = control.baseAddress
                message.msg_controllen = controlLength
                guard let count = try System.receive(socket, &message, flags: flags) else { return nil }
                let descriptors = takeDescriptors(from: &message)
                let truncated = message.msg_flags & Int32(MSG_CTRUNC) != 0
                return Reception(count: count, descriptors: truncated ? [] : descriptors, truncated: truncated)
            }
        }
    }

    /// Sends bytes, at most all of them, and the descriptors with the first of them; returns the bytes sent, nil when the socket
    /// is full and it, or `MSG_DONTWAIT` in `flags`, does not wait.
    ///
    /// Once any byte is sent, all descriptors are: send the rest without them. At least one byte must carry them.
    /// - Throws: EPIPE or ECONNRESET when the other side has closed; EINVAL above `maximumDescriptors`; ETOOMANYREFS when too
    ///   many descriptors are under way.
    public static func send(
        _ socket: Int32, _ bytes: UnsafeRawBufferPointer, descriptors: [Int32] = [], flags: Int32 = 0
    ) throws(SystemError) -> Int? {
        try withMessage(bytes, descriptors) { message throws(SystemError) in
            try System.send(socket, message, flags: flags)
        }
    }

    /// Sends all bytes over a blocking socket.
    /// - Throws: as `send`; EAGAIN when the socket does not block.
    public static func sendAll(
        _ socket: Int32, _ bytes: UnsafeRawBufferPointer, descriptors: [Int32] = []
    ) throws(SystemError) {
        var rest = bytes
        var pending = descriptors
        while !rest.isEmpty {
            guard let count = try send(socket, rest, descriptors: pending) else {
                throw SystemError(call: "sendmsg", errno: EAGAIN)
            }
            pending = []
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Sends one datagram, with descriptors, to an address.
    static func sendDatagram(
        _ bytes: UnsafeRawBufferPointer, descriptors: [Int32], to address: UnixAddress
    ) throws(SystemError) {
        let socket = try System.makeSocket(SOCK_DGRAM)
        try System.connect(socket.number, to: address)
        try sendAll(socket.number, bytes, descriptors: descriptors)
    }

    private static func withMessage<Result>(
        _ bytes: UnsafeRawBufferPointer, _ descriptors: [Int32],
        _ body: (UnsafePointer<msghdr>) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let payload = descriptors.count * MemoryLayout<Int32>.stride
        let controlLength = descriptors.isEmpty ? 0 : clinux_cmsg_space(payload)
        return try withControl(byteCount: controlLength) { control throws(SystemError) in
            var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return try withUnsafeMutablePointer(to: &vector) { vector throws(SystemError) in
                var message = msghdr()
                message.msg_iov = vector
                message.msg_iovlen = 1
                message.msg_control = control.baseAddress
                message.msg_controllen = controlLength
                if let header = clinux_cmsg_first(&message) {
                    header.pointee.cmsg_len = clinux_cmsg_len(payload)
                    header.pointee.cmsg_level = SOL_SOCKET
                    header.pointee.cmsg_type = Int32(SCM_RIGHTS)
                    descriptors.withUnsafeBytes {
                        UnsafeMutableRawBufferPointer(start: clinux_cmsg_data(header), count: payload).copyMemory(from: $0)
                    }
                }
                return try body(&message)
            }
        }
    }

    /// Takes the ownership of every descriptor that a received message carries.
    private static func takeDescriptors(from message: inout msghdr) -> [SharedDescriptor] {
        var descriptors: [SharedDescriptor] = []
        var next = clinux_cmsg_first(&message)
        while let header = next {
            if header.pointee.cmsg_level == SOL_SOCKET, header.pointee.cmsg_type == Int32(SCM_RIGHTS) {
                let data = UnsafeRawPointer(clinux_cmsg_data(header))
                let count = (Int(header.pointee.cmsg_len) - clinux_cmsg_len(0)) / MemoryLayout<Int32>.stride
                for index in 0..<max(0, count) {
                    let number = data.map { $0.loadUnaligned(fromByteOffset: index * 4, as: Int32.self) }
                    if let number { descriptors.append(SharedDescriptor(owning: number)) }
                }
            }
            next = clinux_cmsg_next(&message, header)
        }
        return descriptors
    }

    /// Lends zeroed memory, aligned for control messages.
    private static func withControl<Result>(
        byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: MemoryLayout<cmsghdr>.alignment) {
            memory throws(SystemError) in
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return try body(memory)
        }
    }
}
