import Glibc

/// One line a request that arrived whole, written before the answer is sent: who has the answer finds the line.
struct RequestLog: Sendable {
    private let descriptor: Int32

    init(path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { NullS3.fail("cannot open \(path): errno \(errno)") }
    }

    /// Unix time, method, path, query, status (0: no answer), content length, fault; `-` for what is not there.
    func write(_ request: Request, status: Int, _ fault: Fault?) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        let line = [
            "\(now.tv_sec).\(milliseconds)", request.method, request.path, request.query.isEmpty ? "-" : request.query,
            String(status), request.contentLength.map(String.init) ?? "-", fault?.text ?? "-",
        ].joined(separator: " ")
        let bytes = Array((line + "\n").utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            NullS3.fail("cannot write the log: errno \(errno)")
        }
    }
}
