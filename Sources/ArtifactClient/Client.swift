import ArtifactModel
public import ArtifactWire
public import LinuxSystem

/// A connection to the daemon, for one thread at a time.
///
/// Requests can be pipelined: send many, then receive the answers, which come in any order. Sending never waits for an answer to
/// be taken: answers that arrive meanwhile are kept, so bound the requests that are open (`welcome.requestLimit` is what the
/// daemon takes on at once).
///
/// A daemon that hangs holds nobody up: while something is asked for and nothing arrives, the client asks for the status besides,
/// and gives the daemon up (`failure` with `timeout`) when that is not answered either. Answers that take long, to a `wait` or a
/// `get`, have all the time they need. At the request limit the daemon reads nothing, so nothing can be found out: stay below it.
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
    /// Half of how long the daemon may be silent, in nanoseconds: then it is asked for a sign of life.
    private let patience: UInt64
    /// When the silence is too long.
    private var quietUntil: UInt64 = 0
    /// The question for a sign of life that has no answer yet.
    private var probe: UInt64?

    /// The most bytes of a socket's path.
    public static let maximumSocketPath = SocketPath.maximumLength

    /// How long the daemon may be silent unless the caller says otherwise.
    public static let defaultTimeout = Duration.seconds(30)

    /// Connects and greets.
    /// - Parameter socket: the socket's path; nil for `ARTIFACTD_SOCKET` of the environment, else the system's daemon, else the
    ///   user's own below `XDG_RUNTIME_DIR`.
    /// - Parameter clientName: who is speaking, for the daemon's log: `name/version`.
    /// - Parameter tenant: to act for; nil for the one that the uid implies.
    /// - Parameter timeout: how long the daemon may be silent, now and later, while it is asked for something.
    /// - Throws: `noDaemon` when nobody listens there; `failure` when the daemon refuses, or with `timeout` when it does not answer.
    public static func connect(
        socket: String? = nil, environment: [String: String], clientName: String, tenant: String? = nil,
        timeout: Duration = Client.defaultTimeout
    ) throws(ClientError) -> Client {
        let path = SocketPath.choose(argument: socket, environment: environment)
        try SocketPath.check(path)
        let connection = try Connection(path: path, timeout: timeout)
        let hello = Message.hello(Hello(client: clientName, tenant: tenant))
        // An empty socket takes so little at once.
        try connection.send(try frame(hello, requestID: 1, descriptor: nil), descriptor: nil, patience: nil)
        guard case .frame(let answer) = try connection.next(until: deadline(after: timeout), or: nil) else {
            throw connection.endInSilence()
        }
        switch answer.message {
        case .welcome(let welcome) where answer.requestID == 1:
            guard welcome.version == Hello.version else {
                throw .failure(
                    ArtifactError(
                        .unsupportedVersion,
                        "the daemon chose protocol version \(welcome.version), this client speaks \(Hello.version)"))
            }
            return Client(connection, welcome, timeout: timeout)
        case .error(let refusal):
            throw .failure(refusal.error)
        default:
            throw .failure(
                ArtifactError(
                    .malformedFrame, "the daemon at \(path.escapedForLog) answered the greeting with \(answer.message.type)"))
        }
    }

    private init(_ connection: Connection, _ welcome: Welcome, timeout: Duration) {
        self.connection = connection
        self.welcome = welcome
        patience = Self.nanoseconds(timeout) / 2
    }

    /// Sends a request and returns its id. Waits only until the kernel has taken it.
    /// - Parameter descriptor: travels with the request; the caller goes on owning it and may close it on return.
    public func send(_ message: Message, descriptor: Int32? = nil) throws(ClientError) -> UInt64 {
        let id = lastRequestID + 1
        let bytes = try Self.frame(message, requestID: id, descriptor: descriptor)
        try connection.send(bytes, descriptor: descriptor, patience: daemonReads ? 2 * patience : nil)
        if open.isEmpty { quietUntil = Self.now(plus: patience) }
        lastRequestID = id
        open[id] = message.type
        return id
    }

    /// The next answer, to whichever request; nil when the time is up, or the wakeup was signalled.
    ///
    /// Answers that arrived before the connection ended are returned before that is thrown.
    /// - Parameter timeout: nil to wait without end; zero to take only what is there.
    /// - Parameter wakeup: lets another thread end the waiting, to have something else sent; nil for none. It is drained.
    public func receive(timeout: Duration? = nil, or wakeup: Wakeup? = nil) throws(ClientError) -> Answer? {
        if let answer = inbox.popFirst() { return answer }
        return try next(until: timeout.map(Self.deadline), or: wakeup)
    }

    /// Sends a request and waits for its answer. Answers to others are kept for `receive`.
    /// - Parameter timeout: how long the answer may take; nil for as long as the daemon needs.
    /// - Throws: `failure` also when the daemon answers with an error, and with `timeout` when the time is up, which ends the
    ///   connection.
    public func call(_ message: Message, descriptor: Int32? = nil, timeout: Duration? = nil) throws(ClientError) -> Message {
        let id = try send(message, descriptor: descriptor)
        let deadline = timeout.map(Self.deadline)
        while let answer = try next(until: deadline) {
            guard answer.requestID == id else {
                inbox.append(answer)
                continue
            }
            if case .error(let refusal) = answer.message { throw .failure(refusal.error) }
            return answer.message
        }
        throw connection.endInSilence()
    }

    private func next(until deadline: UInt64?, or wakeup: Wakeup? = nil) throws(ClientError) -> Answer? {
        while true {
            let pause = open.isEmpty ? deadline : min(deadline ?? .max, quietUntil)
            switch try connection.next(until: pause, or: wakeup) {
            case .frame(let frame):
                quietUntil = Self.now(plus: patience)
                let answer = try admit(frame)
                guard answer.requestID == probe else { return answer }
                probe = nil
            case .wakeup:
                return nil
            case .silence:
                if let deadline, System.monotonicNanoseconds() >= deadline { return nil }
                try askForSignOfLife()
            }
        }
    }

    /// Whether the daemon reads from this connection: not while as many requests are open as it takes on at once.
    private var daemonReads: Bool { open.count < Int(welcome.requestLimit) }

    /// Asks for the status, which costs the daemon little; gives it up when it has been asked before and is silent still.
    private func askForSignOfLife() throws(ClientError) {
        if probe != nil { throw connection.endInSilence() }
        if daemonReads { probe = try send(.status) }
        quietUntil = Self.now(plus: patience)
    }

    /// The frame as an answer.
    /// - Throws: what ends the connection when it answers nothing that is open.
    private func admit(_ frame: Connection.Frame) throws(ClientError) -> Answer {
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

    private static func deadline(after timeout: Duration) -> UInt64 { now(plus: nanoseconds(timeout)) }

    private static func now(plus nanoseconds: UInt64) -> UInt64 {
        let (sum, overflow) = System.monotonicNanoseconds().addingReportingOverflow(nanoseconds)
        return overflow ? .max : sum
    }

    /// A century stands for everything longer.
    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let parts = min(max(duration, .zero), .seconds(100 * 366 * 86_400)).components
        return UInt64(parts.seconds) * 1_000_000_000 + UInt64(parts.attoseconds / 1_000_000_000)
    }
}
