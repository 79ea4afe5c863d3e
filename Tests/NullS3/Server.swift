import Glibc
import Synchronization

/// Serves connections: reads requests, lets faults strike, answers, and keeps the log.
final class Server: Sendable {
    /// What is larger is discarded unseen unless bodies are kept. Covers the small objects whose checksum a client may test.
    private static let largestChecked = 64 << 10

    let options: Options
    let state = Mutex(Objects())
    private let port: UInt16
    private let faults: FaultPlan
    private let log: RequestLog?

    init(options: Options, port: UInt16) {
        self.options = options
        self.port = port
        faults = FaultPlan(options.faults)
        log = options.log.map(RequestLog.init)
    }

    /// Serves one connection until its end and closes it.
    func serve(_ descriptor: Int32) {
        let connection = Connection(descriptor)
        do {
            while let head = try connection.readHead() {
                guard let request = Request(head: head) else {
                    try send(.error(400, "BadRequest", "Not an HTTP/1.1 request."), withBody: true, to: connection)
                    return
                }
                guard try answer(request, on: connection) else { return }
            }
        } catch {
            // Nobody is left to be told.
        }
    }

    /// Answers one request; false when the connection must end.
    private func answer(_ request: Request, on connection: Connection) throws(Disconnected) -> Bool {
        let fault = faults.strike(request.operation)
        if case .hang(let milliseconds) = fault?.effect { sleep(milliseconds: milliseconds) }
        if request.headers["expect"]?.lowercased() == "100-continue" {
            try connection.send("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        }
        if case .reset = fault?.effect {
            _ = try connection.readBody(of: request, keepsUpTo: 0, half: true)
            log?.write(request, status: 0, fault)
            connection.resetOnClose()
            return false
        }
        let keepsAll = options.keepsBodies || request.operation == .complete
        let body = try connection.readBody(of: request, keepsUpTo: keepsAll ? .max : Self.largestChecked)
        sleep(milliseconds: options.delayMilliseconds)
        let response = response(to: request, body, fault)
        log?.write(request, status: response?.status ?? 0, fault)
        guard let response else {
            if case .garbage = fault?.effect { try connection.send("\u{1}\u{2} this is not HTTP \u{3}\r\n\r\n".utf8) }
            return false
        }
        switch fault?.effect {
        case .cut:
            let head = response.head(date: date())
            guard case .bytes(let bytes) = response.body, request.operation != .head else {
                try connection.send(head.prefix(head.count / 2))
                return false
            }
            try connection.send((head + bytes).prefix((head.count + bytes.count) / 2))
            return false
        case .blank:
            try connection.send("HTTP/1.1 200 OK\r\nDate: \(date())\r\nConnection: close\r\n\r\n \n \n".utf8)
            return false
        default:
            try send(response, withBody: request.method != "HEAD", to: connection)
            return request.headers["connection"]?.lowercased() != "close"
        }
    }

    /// The answer, after the request took effect where it does; nil when there is none.
    private func response(to request: Request, _ body: Body, _ fault: Fault?) -> Response? {
        switch fault?.effect {
        case .answer(let response): return response
        case .skew(let offset):
            if let offset, isDated(request, by: time(nil) + offset) { break }
            var response = Response.error(
                403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
            response.headers.append(("Date", date(ahead: offset ?? 0)))
            return response
        case .redirect:
            var response = Response.error(307, "TemporaryRedirect", "Please re-send this request to the specified endpoint.")
            let query = request.query.isEmpty ? "" : "?" + request.query
            response.headers.append(("Location", "http://localhost:\(port)\(request.path)\(query)"))
            return response
        case .blank: return Response(status: 200)
        case .garbage: return nil
        case .swallow:
            _ = handle(request, body)
            return nil
        case .hang, .reset, .cut, nil: break
        }
        return handle(request, body)
    }

    private func send(_ response: Response, withBody: Bool, to connection: Connection) throws(Disconnected) {
        let head = response.head(date: date())
        switch response.body {
        case _ where !withBody: try connection.send(head)
        case .bytes(let bytes): try connection.send(head + bytes)
        case .zeros(let count):
            try connection.send(head)
            let zeros = [UInt8](repeating: 0, count: 1 << 20)
            for offset in stride(from: 0, to: count, by: zeros.count) { try connection.send(zeros.prefix(count - offset)) }
        }
    }

    private func date(ahead seconds: Int = 0) -> String { formatted(time(nil) + seconds, "%a, %d %b %Y %H:%M:%S GMT") }

    /// Whether the request's date lies within 15 minutes of `clock`, as S3 asks for.
    private func isDated(_ request: Request, by clock: time_t) -> Bool {
        guard let date = request.headers["x-amz-date"] else { return false }
        let digits = date.filter(\.isNumber).compactMap { $0.wholeNumberValue }.map(Int32.init)
        guard digits.count == 14 else { return false }
        let field = { (range: Range<Int>) in digits[range].reduce(0) { 10 * $0 + $1 } }
        var fields = tm()
        fields.tm_year = field(0..<4) - 1900
        fields.tm_mon = field(4..<6) - 1
        fields.tm_mday = field(6..<8)
        fields.tm_hour = field(8..<10)
        fields.tm_min = field(10..<12)
        fields.tm_sec = field(12..<14)
        return abs(timegm(&fields) - clock) <= 15 * 60
    }

    private func sleep(milliseconds: UInt32) {
        if milliseconds > 0 { poll(nil, 0, Int32(clamping: milliseconds)) }
    }
}
