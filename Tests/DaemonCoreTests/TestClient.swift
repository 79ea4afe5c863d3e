import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import TestSupport

/// The other end of a connection, which may do what a good client never does.
final class TestClient {
    struct Answer {
        var requestID: UInt64
        var message: Message
        var descriptor: SharedDescriptor?
    }

    private let socket: Descriptor
    private var bytes: [UInt8] = []
    private var descriptors: [SharedDescriptor] = []
    private var lastID: UInt64 = 0

    /// - Parameter greets: whether to say hello, and take the welcome.
    init(_ path: String, greets: Bool = true) throws {
        socket = try UnixSocket.connect(path: path)
        guard greets else { return }
        guard case .welcome = try call(.hello(Hello(client: "test/1", tenant: nil))) else { throw SupportError("not welcome") }
    }

    /// Sends a request and returns its id.
    @discardableResult
    func send(_ message: Message, descriptor: Int32? = nil) throws -> UInt64 {
        lastID += 1
        try send(try message.frame(requestID: lastID, descriptorCount: descriptor == nil ? 0 : 1), descriptor.map { [$0] } ?? [])
        return lastID
    }

    /// Sends bytes as they are.
    func send(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws {
        var sent = 0
        while sent < bytes.count {
            let rest = Array(bytes[sent...])
            let count = try rest.withUnsafeBytes {
                try UnixSocket.send(socket.number, $0, descriptors: sent == 0 ? descriptors : [], flags: 0)
            }
            sent += count ?? 0
        }
    }

    /// The next answer; nil when the daemon has ended the connection.
    func receive() throws -> Answer? {
        while true {
            if let header = try FrameHeader.decode(bytes[...]), bytes.count >= Int(header.length) {
                let message = try Message.decode(header, payload: bytes[FrameHeader.size..<Int(header.length)])
                bytes.removeFirst(Int(header.length))
                let descriptor = header.descriptorCount > 0 ? descriptors.removeFirst() : nil
                return Answer(requestID: header.requestID, message: message, descriptor: descriptor)
            }
            var polled = [pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)]
            guard try System.poll(&polled, until: System.monotonicNanoseconds() + 60_000_000_000) > 0 else {
                throw SupportError("the daemon says nothing")
            }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
            defer { buffer.deallocate() }
            let reception: UnixSocket.Reception?
            do throws(SystemError) {
                reception = try UnixSocket.receive(socket.number, into: buffer, maximumDescriptors: 4, flags: 0)
            } catch {
                if error.errno == ECONNRESET { return nil }
                throw error
            }
            guard let reception, reception.count > 0 else { return nil }
            bytes += buffer.prefix(reception.count)
            descriptors += reception.descriptors
        }
    }

    /// Sends a request and takes the next answer, which must be its own; throws the error where it is one.
    func call(_ message: Message, descriptor: Int32? = nil) throws -> Message {
        try answer(to: try send(message, descriptor: descriptor)).message
    }

    func answer(to id: UInt64) throws -> Answer {
        guard let answer = try receive() else { throw SupportError("the daemon has hung up") }
        if case .error(let refusal) = answer.message { throw refusal.error }
        guard answer.requestID == id else { throw SupportError("an answer to \(answer.requestID) instead of \(id)") }
        return answer
    }

    /// Takes answers until the daemon ends the connection, and returns why it says it does.
    func endOfConnection() throws -> ArtifactError? {
        var reason: ArtifactError?
        while let answer = try receive() {
            if answer.requestID == 0, case .error(let refusal) = answer.message { reason = refusal.error }
        }
        return reason
    }
}
