import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import Logging
import Synchronization

/// One connection: reads frames on its own thread, hands requests on, and ends the connection where the protocol says so.
final class Session: Sendable {
    /// A frame that was begun must be whole after so long, and the first one must come; nanoseconds.
    private static let frameTimeout: UInt64 = 30_000_000_000
    /// A client that does not read its answers for so long is let go; nanoseconds.
    private static let unreadTimeout: UInt64 = 30_000_000_000
    /// The most spool files open on one connection.
    private static let spoolFileLimit = 64

    let credentials: PeerCredentials
    private let socket: SharedDescriptor
    private let wakeup: Wakeup
    private let outbox: Outbox
    private let requests: RequestHandler
    private let log: Logger
    private let isEnding = Atomic(false)

    init(socket: SharedDescriptor, credentials: PeerCredentials, requests: RequestHandler, log: Logger) throws(SystemError) {
        self.socket = socket
        self.credentials = credentials
        self.requests = requests
        self.log = log
        wakeup = try Wakeup()
        outbox = Outbox(
            socket: socket, wakeup: wakeup, requestLimit: requests.configuration.requestsPerConnection, errors: requests.errors)
    }

    /// Ends the connection from another thread.
    func end() {
        isEnding.store(true, ordering: .releasing)
        do throws(SystemError) { try wakeup.signal() } catch {
            log.error("a session cannot be woken", metadata: ["error": "\(error)"])
        }
    }

    /// Serves the connection until it ends.
    func run() {
        var inbox = Inbox()
        do throws(ArtifactError) {
            try serve(&inbox)
        } catch {
            log.info(
                "a connection is ended",
                metadata: [
                    "uid": "\(credentials.uid)", "pid": "\(credentials.pid)", "code": "\(error.code)", "error": "\(error)",
                ])
            outbox.announceEnd(error)
        }
        outbox.flush()
        outbox.close()
        requests.ended(ObjectIdentifier(self))
        for file in inbox.spoolFiles.values { file.discard() }
        hangUp()
    }

    /// What has arrived and is not dealt with yet. Belongs to the session's thread.
    private struct Inbox {
        var bytes: [UInt8] = []
        /// When something last came; monotonic nanoseconds.
        var arrivedAt: UInt64 = 0
        var descriptors: [SharedDescriptor] = []
        /// Since when a frame is incomplete; nil when none is.
        var begunAt: UInt64?
        var peer: Peer?
        var spoolFiles: [UInt64: SpoolFile] = [:]
        var nextSpoolFile: UInt64 = 1
    }

    private func serve(_ inbox: inout Inbox) throws(ArtifactError) {
        let opened = System.monotonicNanoseconds()
        while true {
            if isEnding.load(ordering: .acquiring) {
                throw ArtifactError(
                    .shuttingDown, "the daemon is stopping; connect again when it is back",
                    retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
            }
            let isReading = outbox.isRoom
            let deadline = try deadline(inbox, opened, isReading: isReading)
            guard let readiness = try waitForSomething(isReading: isReading, until: deadline) else { continue }
            outbox.flush()
            if isReading {
                guard try receive(&inbox) else { return }
                try dispatch(&inbox)
            } else {
                // A frame takes as long as we do not read; that is not the client's doing.
                if inbox.begunAt != nil { inbox.begunAt = System.monotonicNanoseconds() }
                // Nobody is left to read an answer, and without reading the end would never be seen.
                if readiness & Int16(POLLHUP | POLLERR) != 0 { return }
            }
        }
    }

    /// When the client must have done what it owes; nil when it owes nothing.
    private func deadline(_ inbox: Inbox, _ opened: UInt64, isReading: Bool) throws(ArtifactError) -> UInt64? {
        let now = System.monotonicNanoseconds()
        let frame = isReading ? inbox.begunAt ?? (inbox.peer == nil ? opened : nil) : nil
        if let frame, now >= frame + Self.frameTimeout {
            throw ArtifactError(.timeout, "no whole frame came within \(Self.frameTimeout / 1_000_000_000) seconds")
        }
        let unread = outbox.waitingSince
        if let unread, now >= unread + Self.unreadTimeout {
            throw ArtifactError(.timeout, "answers were not read for \(Self.unreadTimeout / 1_000_000_000) seconds")
        }
        return [frame.map { $0 + Self.frameTimeout }, unread.map { $0 + Self.unreadTimeout }].compactMap { $0 }.min()
    }

    /// - Returns: what poll says of the socket; nil when the time is up.
    private func waitForSomething(isReading: Bool, until deadline: UInt64?) throws(ArtifactError) -> Int16? {
        var interest = isReading ? Int16(POLLIN) : 0
        if outbox.waitingSince != nil { interest |= Int16(POLLOUT) }
        var polled = [
            pollfd(fd: socket.number, events: interest, revents: 0), pollfd(fd: wakeup.number, events: Int16(POLLIN), revents: 0),
        ]
        do throws(SystemError) {
            let count = try System.poll(&polled, until: deadline)
            if polled[1].revents != 0 { try wakeup.drain() }
            return count > 0 ? polled[0].revents : nil
        } catch {
            throw ArtifactError(.internalFault, "the connection cannot be waited for", cause: "\(error)")
        }
    }

    /// Lets the client see the end now: answers that are still owed hold on to the socket.
    private func hangUp() {
        do throws(SystemError) { try System.shutdown(socket.number, Int32(SHUT_RDWR)) } catch {
            if error.errno != ENOTCONN { log.warning("a connection cannot be ended", metadata: ["error": "\(error)"]) }
        }
    }

    // MARK: Frames

    /// Reads what is there.
    /// - Returns: false when the client has closed the connection.
    private func receive(_ inbox: inout Inbox) throws(ArtifactError) -> Bool {
        let reception: UnixSocket.Reception?
        do throws(SystemError) {
            reception = try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer throws(SystemError) in
                // One frame carries at most one descriptor, and the kernel gives one message with descriptors at a time.
                let reception = try UnixSocket.receive(
                    socket.number, into: buffer, maximumDescriptors: 4, flags: Int32(MSG_DONTWAIT))
                if let reception { inbox.bytes.append(contentsOf: buffer.prefix(reception.count)) }
                return reception
            }
        } catch {
            if error.errno == ECONNRESET { return false }
            throw ArtifactError(.internalFault, "the connection cannot be read", cause: "\(error)")
        }
        guard let reception else { return true }
        inbox.arrivedAt = System.monotonicNanoseconds()
        if reception.truncated {
            throw ArtifactError(.malformedFrame, "more descriptors came in one message than a frame may carry; none was kept")
        }
        inbox.descriptors += reception.descriptors
        return reception.count > 0
    }

    private func dispatch(_ inbox: inout Inbox) throws(ArtifactError) {
        var start = 0
        while true {
            guard let header = try FrameHeader.decode(inbox.bytes[start...]), inbox.bytes.count - start >= Int(header.length)
            else { break }
            guard header.descriptorCount <= 1 else {
                throw ArtifactError(
                    .malformedFrame, "a frame announced \(header.descriptorCount) descriptors; at most 1 is possible")
            }
            guard inbox.descriptors.count >= Int(header.descriptorCount) else {
                throw ArtifactError(.malformedFrame, "a frame announced a descriptor that did not come with it")
            }
            let descriptor = header.descriptorCount == 1 ? inbox.descriptors.removeFirst() : nil
            let end = start + Int(header.length)
            try handle(header, inbox.bytes[(start + FrameHeader.size)..<end], descriptor, &inbox)
            start = end
        }
        inbox.bytes.removeFirst(start)
        // At most the one of the frame that is still to come: who sends more would have us hold any number.
        guard inbox.descriptors.count <= 1 else {
            throw ArtifactError(.malformedFrame, "more descriptors came than the frames announced")
        }
        if inbox.bytes.isEmpty {
            guard inbox.descriptors.isEmpty else {
                throw ArtifactError(.malformedFrame, "a descriptor came that no frame announced")
            }
            inbox.begunAt = nil
        } else if start > 0 || inbox.begunAt == nil {
            inbox.begunAt = System.monotonicNanoseconds()
        }
    }

    private func handle(
        _ header: FrameHeader, _ payload: ArraySlice<UInt8>, _ descriptor: SharedDescriptor?, _ inbox: inout Inbox
    ) throws(ArtifactError) {
        guard header.requestID != 0 else {
            throw ArtifactError(.malformedFrame, "a request has the id 0, which is kept for the connection itself")
        }
        outbox.requestCame()
        let request: Message
        do throws(ArtifactError) {
            guard !header.isAnswer else {
                throw ArtifactError(.unsupportedMessage, "message type \(header.type) is an answer, and no request")
            }
            request = try Message.decode(header, payload: payload)
        } catch {
            if error.code == .malformedFrame || inbox.peer == nil { throw error }
            return outbox.answer(header.requestID, .error(ErrorMessage(error)))
        }
        guard let peer = inbox.peer else {
            guard case .hello(let hello) = request else {
                throw ArtifactError(.invalidRequest, "the first message must be hello")
            }
            let (peer, welcome) = try requests.welcome(hello, credentials)
            inbox.peer = peer
            return outbox.answer(header.requestID, .welcome(welcome))
        }
        do throws(ArtifactError) {
            if descriptor != nil, !RequestHandler.takesDescriptor(request) {
                throw ArtifactError(.invalidRequest, "\(request.type): a descriptor came that this request does not take")
            }
            try handle(request, header.requestID, descriptor, peer, &inbox)
        } catch {
            outbox.answer(header.requestID, .error(ErrorMessage(error)))
        }
    }

    /// Spool files belong to the connection; everything else is the request handler's.
    private func handle(
        _ request: Message, _ requestID: UInt64, _ descriptor: SharedDescriptor?, _ peer: Peer, _ inbox: inout Inbox
    ) throws(ArtifactError) {
        switch request {
        case .openSpool(let open):
            guard inbox.spoolFiles.count < Self.spoolFileLimit else {
                throw ArtifactError(
                    .busy, "this connection has \(Self.spoolFileLimit) spool files open; commit or discard some",
                    retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
            }
            let (file, writer) = try requests.openSpool(open)
            let number = inbox.nextSpoolFile
            inbox.nextSpoolFile += 1
            inbox.spoolFiles[number] = file
            outbox.answer(requestID, .spoolOpened(SpoolOpened(spool: number)), descriptor: writer)
        case .discardSpool(let discard):
            guard let file = inbox.spoolFiles.removeValue(forKey: discard.spool) else {
                throw ArtifactError(.notFound, "this connection has no spool file \(discard.spool) open")
            }
            file.discard()
            outbox.answer(requestID, .spoolDiscarded)
        default:
            // Files that became jobs are the jobs' from then on.
            inbox.spoolFiles = inbox.spoolFiles.filter { !$0.value.isSpent }
            var spoolFile: SpoolFile?
            if case .put(let put) = request, case .spool(let number) = put.source { spoolFile = inbox.spoolFiles[number] }
            requests.handle(
                request, arrivedAt: inbox.arrivedAt, descriptor: descriptor, spoolFile: spoolFile, peer: peer,
                connection: ObjectIdentifier(self)
            ) { [outbox] outcome in
                switch outcome {
                case .success(let message): outbox.answer(requestID, message)
                case .failure(let error): outbox.answer(requestID, .error(ErrorMessage(error)))
                }
            }
        }
    }
}
