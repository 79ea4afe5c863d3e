import ArtifactModel
public import ArtifactWire
import Glibc
public import LinuxSystem

/// The script's end of the connection: reads requests one by one and writes what it likes, blocking.
public final class Peer {
    /// A request that arrived.
    public struct Request {
        public let id: UInt64
        public let message: Message
        public let descriptors: [SharedDescriptor]
    }

    private let socket: Descriptor
    private var bytes: [UInt8] = []
    private var descriptors: [SharedDescriptor] = []

    init(_ socket: consuming Descriptor) { self.socket = socket }

    /// What a script's daemon says of itself unless the test says otherwise.
    public static let welcome = Welcome(
        version: 1, features: [.spool, .objects, .runs, .ranges], server: "artifactd/9.9.9", pid: 42, tenant: "acme",
        store: "s3://bucket",
        inlineLimit: 65_536,
        requestLimit: 1_024)

    /// Takes the greeting and answers it.
    @discardableResult
    public func greet(_ welcome: Welcome = Peer.welcome) throws -> Hello {
        let request = try expect()
        guard case .hello(let hello) = request.message else {
            throw ScriptedDaemon.Failure("the first message is \(request.message.type)")
        }
        try answer(request, .welcome(welcome))
        return hello
    }

    /// The next request; nil when the client has closed.
    public func next() throws -> Request? {
        while true {
            if let header = try FrameHeader.decode(bytes[...]), bytes.count >= Int(header.length) {
                let message = try Message.decode(header, payload: bytes[FrameHeader.size..<Int(header.length)])
                bytes.removeFirst(Int(header.length))
                let count = Int(header.descriptorCount)
                guard count <= descriptors.count else { throw ScriptedDaemon.Failure("a descriptor is missing") }
                defer { descriptors.removeFirst(count) }
                return Request(id: header.requestID, message: message, descriptors: Array(descriptors.prefix(count)))
            }
            if try !receive() { return nil }
        }
    }

    /// The next request.
    /// - Throws: when the client has closed.
    public func expect() throws -> Request {
        guard let request = try next() else { throw ScriptedDaemon.Failure("the client closed, a request was expected") }
        return request
    }

    /// Answers a request.
    public func answer(_ request: Request, _ message: Message, descriptors: [Int32] = []) throws {
        try send(message, requestID: request.id, descriptors: descriptors)
    }

    /// Sends a message under any id.
    public func send(_ message: Message, requestID: UInt64, descriptors: [Int32] = []) throws {
        let frame = try message.frame(requestID: requestID, descriptorCount: UInt8(descriptors.count))
        try write(frame, descriptors: descriptors)
    }

    /// Writes bytes as they are.
    public func write(_ bytes: [UInt8], descriptors: [Int32] = []) throws {
        try bytes.withUnsafeBytes { try UnixSocket.sendAll(socket.number, $0, descriptors: descriptors) }
    }

    /// Makes the socket's buffer for what is sent as small as the kernel allows.
    public func shrinkSendBuffer() throws {
        var size: Int32 = 1
        guard setsockopt(socket.number, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw ScriptedDaemon.Failure("setsockopt failed with \(errno)")
        }
    }

    private func receive() throws -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        guard let reception = try UnixSocket.receive(socket.number, into: buffer, maximumDescriptors: 8) else {
            throw ScriptedDaemon.Failure("the socket does not block")
        }
        if reception.truncated { throw ScriptedDaemon.Failure("descriptors were cut off") }
        bytes.append(contentsOf: buffer[..<reception.count])
        descriptors += reception.descriptors
        return reception.count > 0
    }
}
