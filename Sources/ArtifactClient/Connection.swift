import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem

/// Whole frames over the daemon's socket, in both directions, on one thread.
///
/// A write that would block reads meanwhile: a daemon that is busy answering need not read further, and both would wait for ever.
final class Connection {
    /// A frame that arrived.
    struct Frame {
        var requestID: UInt64
        var message: Message
        var descriptor: SharedDescriptor?
    }

    private let path: String
    private let socket: Descriptor
    /// Where the kernel puts what arrives.
    private let scratch: UnsafeMutableRawBufferPointer
    /// The beginning of a frame whose rest is still to come.
    private var partial: [UInt8] = []
    /// Descriptors that arrived and whose frame is still to come.
    private var descriptors: [SharedDescriptor] = []
    /// Frames that arrived and that nobody has asked for.
    private var frames = Queue<Frame>()
    /// Why nothing more can arrive or be sent.
    private var ending: ClientError?

    /// - Parameter timeout: how long the daemon may leave the connection waiting.
    /// - Throws: `noDaemon` when nobody listens; `failure` with `timeout` when nobody takes the connection.
    init(path: String, timeout: Duration) throws(ClientError) {
        self.path = path
        do throws(SystemError) {
            socket = try UnixSocket.connect(path: path, timeout: timeout)
        } catch {
            switch error.errno {
            case EAGAIN: throw Self.silence(at: path)
            case ENOENT, ENOTDIR, ECONNREFUSED: throw .noDaemon(socket: path, cause: error.reason)
            case EACCES:
                throw .failure(
                    ArtifactError(
                        .denied,
                        "you may not connect to the daemon at \(path.escapedForLog); join the group that owns the socket",
                        cause: error.reason))
            default:
                throw .failure(
                    ArtifactError(
                        .invalidRequest, "\(path.escapedForLog) cannot be connected to; name the daemon's socket",
                        cause: error.description))
            }
        }
        // Last: `deinit` does not run for a connection that was not made.
        scratch = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit { scratch.deallocate() }

    /// Sends a whole frame, with at most one descriptor.
    ///
    /// Frames that arrived before the connection ended can still be had from `next`.
    /// - Parameter patience: in nanoseconds, how long the daemon may read nothing; nil for without end.
    func send(_ frame: [UInt8], descriptor: Int32?, patience: UInt64?) throws(ClientError) {
        var rest = frame[...]
        var attached = descriptor.map { [$0] } ?? []
        while !rest.isEmpty {
            if let ending { throw ending }
            let outcome: Result<Int?, SystemError> = rest.withUnsafeBytes { bytes in
                do throws(SystemError) {
                    return .success(
                        try UnixSocket.send(
                            socket.number, bytes, descriptors: attached, flags: Int32(MSG_DONTWAIT)))
                } catch {
                    return .failure(error)
                }
            }
            switch outcome {
            case .success(let count?):
                rest = rest.dropFirst(count)
                attached = []
            case .success(nil):
                let deadline = patience.map { System.monotonicNanoseconds() + $0 }
                if try waitUntilReady(POLLIN | POLLOUT, until: deadline, or: nil) == .silence { throw endInSilence() }
                _ = receive()
            case .failure(let error):
                throw refusal(of: error)
            }
        }
    }

    /// What ended the waiting for a frame.
    enum Arrival {
        case frame(Frame)
        /// The time is up.
        case silence
        /// The wakeup was signalled.
        case wakeup
    }

    /// The next frame that the daemon sent.
    /// - Parameter deadline: by `System.monotonicNanoseconds`; nil waits without end.
    /// - Parameter wakeup: ends the waiting from another thread; it is drained.
    func next(until deadline: UInt64?, or wakeup: Wakeup?) throws(ClientError) -> Arrival {
        while true {
            if let frame = frames.popFirst() { return .frame(frame) }
            if let ending { throw ending }
            if receive() { continue }
            switch try waitUntilReady(POLLIN, until: deadline, or: wakeup) {
            case .ready: continue
            case .silence: return .silence
            case .wakeup: return .wakeup
            }
        }
    }

    /// What to throw when sending failed.
    private func refusal(of error: SystemError) -> ClientError {
        switch error.errno {
        case EPIPE, ECONNRESET:
            // The daemon's last words say more than the broken pipe.
            while ending == nil, receive() {}
            return ending ?? lost(error.reason)
        case ETOOMANYREFS:
            return .failure(
                ArtifactError(
                    .busy, "too many descriptors of this user are on their way to daemons; try again", cause: error.reason))
        default:
            return lost(error.description)
        }
    }

    private enum Readiness {
        case ready, silence, wakeup
    }

    private func waitUntilReady(
        _ events: Int32, until deadline: UInt64?, or wakeup: Wakeup?
    ) throws(ClientError) -> Readiness {
        var polled = [pollfd(fd: socket.number, events: Int16(events), revents: 0)]
        if let wakeup { polled.append(pollfd(fd: wakeup.number, events: Int16(POLLIN), revents: 0)) }
        do throws(SystemError) {
            guard try System.poll(&polled, until: deadline) > 0 else { return .silence }
            guard let wakeup, polled[1].revents != 0 else { return .ready }
            try wakeup.drain()
            return .wakeup
        } catch {
            throw lost(error.description)
        }
    }

    /// Reads what is there, without waiting; returns whether anything was, be it the connection's end.
    private func receive() -> Bool {
        let reception: UnixSocket.Reception?
        do throws(SystemError) {
            reception = try UnixSocket.receive(
                socket.number, into: scratch, maximumDescriptors: 1, flags: Int32(MSG_DONTWAIT))
        } catch {
            ending = lost(error.errno == ECONNRESET ? "the daemon closed it" : error.description)
            return true
        }
        guard let reception else { return false }
        if reception.count == 0 {
            ending = lost(partial.isEmpty ? "the daemon closed it" : "the daemon closed it in the middle of an answer")
            return true
        }
        descriptors += reception.descriptors
        do throws(ArtifactError) {
            if reception.truncated {
                throw ArtifactError(
                    .malformedFrame, "more descriptors arrived than an answer may carry, or than may be open here")
            }
            partial.append(contentsOf: UnsafeRawBufferPointer(rebasing: scratch[..<reception.count]))
            try takeFrames()
        } catch {
            ending = violation(error)
        }
        return true
    }

    /// Takes the frames that are complete out of what arrived.
    private func takeFrames() throws(ArtifactError) {
        var rest = partial[...]
        while ending == nil, let header = try FrameHeader.decode(rest), rest.count >= Int(header.length) {
            let payload = rest.prefix(Int(header.length)).dropFirst(FrameHeader.size)
            try take(header, Message.decode(header, payload: payload))
            rest = rest.dropFirst(Int(header.length))
        }
        partial = Array(rest)
        if partial.isEmpty, !descriptors.isEmpty {
            throw ArtifactError(.malformedFrame, "a descriptor arrived that no frame announces")
        }
    }

    private func take(_ header: FrameHeader, _ message: Message) throws(ArtifactError) {
        guard header.descriptorCount == (message.type == .spoolOpened ? 1 : 0), header.descriptorCount <= descriptors.count
        else {
            throw ArtifactError(
                .malformedFrame,
                "a \(message.type) message announces \(header.descriptorCount) descriptors, \(descriptors.count) arrived")
        }
        let descriptor = header.descriptorCount == 0 ? nil : descriptors.removeFirst()
        if case .error(let refusal) = message, header.requestID == 0 {
            ending = .failure(refusal.error)
        } else {
            frames.append(Frame(requestID: header.requestID, message: message, descriptor: descriptor))
        }
    }

    /// Ends the connection because of what a frame said; returns what to throw. Frames that came behind it do not count.
    func end(because error: ArtifactError) -> ClientError {
        let violation = violation(error)
        ending = violation
        frames = Queue()
        return violation
    }

    /// Ends the connection because the daemon does not answer; returns what to throw. An answer that comes late has nobody to take
    /// it.
    func endInSilence() -> ClientError {
        let silence = Self.silence(at: path)
        ending = silence
        return silence
    }

    private static func silence(at path: String) -> ClientError {
        .failure(
            ArtifactError(
                .timeout,
                "the daemon at \(path.escapedForLog) does not answer; see what holds it up, for instance with "
                    + "'systemctl status artifactd'"))
    }

    private func violation(_ error: ArtifactError) -> ClientError {
        .failure(
            ArtifactError(
                error.code, "the daemon at \(path.escapedForLog) broke the protocol, the connection is closed: \(error.message)",
                cause: error.cause))
    }

    private func lost(_ cause: String) -> ClientError { .connectionLost(socket: path, cause: cause) }
}
