import ArtifactModel
public import ArtifactWire
public import LinuxSystem

/// A connection to the daemon, for one thread at a time.
///
/// Requests can be pipelined: send many, then receive the answers, which come in any order. Sending never waits for an answer to
/// be taken: answers that arrive meanwhile are kept, so bound the requests that are open (`welcome.requestLimit` is what the
/// daemon takes on at once).
public final class Client {
    /// What the daemon says to one request.
    public struct Answer: Sendable {
        /// What `send` returned for the request.
        public var requestID: UInt64
        /// The answer that belongs to the request's kind, or `error`.
        public var message: Message
        /// The descriptor that came with `spoolOpened`; nil with anything else.
        public var descriptor: SharedDescriptor?
    }

    /// What is in force on this connection.
    public let welcome: Welcome

    private let connection: Connection
    private var lastRequestID: UInt64 = 1
    /// The requests that have no answer yet.
    private var open: [UInt64: MessageType] = [:]
    /// Answers that arrived while `call` waited for another.
    private var inbox = Queue<Answer>()

    /// Connects and greets.
    /// - Parameter socket: the socket's path; nil for `ARTIFACTD_SOCKET` of the environment, else the system's daemon, else the
    ///   user's own below `XDG_RUNTIME_DIR`.
    /// - Parameter clientName: who is speaking, for the daemon's log: `name/version`.
    /// - Parameter tenant: to act for; nil for the one that the uid implies.
    /// - Parameter timeout: how long the daemon may take to answer the greeting.
    /// - Throws: `noDaemon` when nobody listens there; `failure` when the daemon refuses.
    public static func connect(
        socket: String? = nil, environment: [String: String], clientName: String, tenant: String? = nil,
        timeout: Duration = .seconds(10)
    ) throws(ClientError) -> Client {
        let path = SocketPath.choose(argument: socket, environment: environment)
        let connection = try Connection(path: path)
        let hello = Message.hello(Hello(client: clientName, tenant: tenant))
        try connection.send(try frame(hello, requestID: 1, descriptor: nil), descriptor: nil)
        guard let answer = try connection.next(until: deadline(after: timeout)) else {
            throw .failure(
                ArtifactError(.timeout, "the daemon at \(path.escapedForLog) took the connection but answers nothing"))
        }
        switch answer.message {
        case .welcome(let welcome) where answer.requestID == 1:
            guard welcome.version == Hello.version else {
                throw .failure(
                    ArtifactError(
                        .unsupportedVersion,
                        "the daemon chose protocol version \(welcome.version), this client speaks \(Hello.version)"))
            }
            return Client(connection, welcome)
        case .error(let refusal):
            throw .failure(refusal.error)
        default:
            throw .failure(
                ArtifactError(
                    .malformedFrame, "the daemon at \(path.escapedForLog) answered the greeting with \(answer.message.type)"))
        }
    }

    private init(_ connection: Connection, _ welcome: Welcome) {
        self.connection = connection
        self.welcome = welcome
    }

    /// Sends a request and returns its id. Waits only until the kernel has taken it.
    /// - Parameter descriptor: travels with the request; the caller goes on owning it and may close it on return.
    public func send(_ message: Message, descriptor: Int32? = nil) throws(ClientError) -> UInt64 {
        let id = lastRequestID + 1
        let bytes = try Self.frame(message, requestID: id, descriptor: descriptor)
        try connection.send(bytes, descriptor: descriptor)
        lastRequestID = id
        open[id] = message.type
        return id
    }

    /// The next answer, to whichever request; nil when the time is up.
    ///
    /// Answers that arrived before the connection ended are returned before that is thrown.
    /// - Parameter timeout: nil to wait without end; zero to take only what is there.
    public func receive(timeout: Duration? = nil) throws(ClientError) -> Answer? {
        if let answer = inbox.popFirst() { return answer }
        return try next(until: timeout.map(Self.deadline))
    }

    /// Sends a request and waits for its answer. Answers to others are kept for `receive`.
    /// - Throws: `failure` also when the daemon answers with an error.
    public func call(_ message: Message, descriptor: Int32? = nil) throws(ClientError) -> Message {
        let id = try send(message, descriptor: descriptor)
        while let answer = try next(until: nil) {
            guard answer.requestID == id else {
                inbox.append(answer)
                continue
            }
            if case .error(let refusal) = answer.message { throw .failure(refusal.error) }
            return answer.message
        }
        throw .failure(ArtifactError(.internalFault, "a wait without end has ended"))
    }

    private func next(until deadline: UInt64?) throws(ClientError) -> Answer? {
        guard let frame = try connection.next(until: deadline) else { return nil }
        let type = frame.message.type
        guard let request = open.removeValue(forKey: frame.requestID) else {
            throw connection.end(
                because: ArtifactError(.malformedFrame, "\(type) answers request \(frame.requestID), which is not open"))
        }
        guard type == .error || type.rawValue == request.rawValue | 0x8000 else {
            throw connection.end(because: ArtifactError(.malformedFrame, "\(type) is no answer to \(request)"))
        }
        return Answer(requestID: frame.requestID, message: frame.message, descriptor: frame.descriptor)
    }

    private static func frame(_ message: Message, requestID: UInt64, descriptor: Int32?) throws(ClientError) -> [UInt8] {
        do throws(ArtifactError) {
            return try message.frame(requestID: requestID, descriptorCount: descriptor == nil ? 0 : 1)
        } catch {
            throw .failure(error)
        }
    }

    private static func deadline(after timeout: Duration) -> UInt64 {
        let parts = timeout.components
        let nanoseconds = UInt64(clamping: parts.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if nanoseconds.overflow { return .max }
        return System.monotonicNanoseconds() &+ nanoseconds.partialValue &+ UInt64(clamping: parts.attoseconds / 1_000_000_000)
    }
}
