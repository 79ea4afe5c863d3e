import Glibc

/// An S3 server for benchmarks and fault tests: it costs next to nothing, checks no signature, and misbehaves on request.
///
/// It listens on 127.0.0.1 alone, prints `listening 127.0.0.1:PORT`, and serves until SIGTERM, or until its standard input
/// ends where that is a pipe: then it cannot outlive the test that started it.
@main
enum NullS3 {
    static func main() {
        let options: Options
        do {
            options = try Options(arguments: CommandLine.arguments.dropFirst())
        } catch {
            fail(error.message, status: 2)
        }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGTERM) { _ in _exit(0) }
        let (listener, port) = listen(on: options.port)
        let server = Server(options: options, port: port)
        Thread.start { acceptForEver(listener, server) }
        put("listening 127.0.0.1:\(port)\n", to: STDOUT_FILENO)
        waitForTheEnd()
    }

    /// Ends the process with a sentence on standard error.
    static func fail(_ message: String, status: Int32 = 1) -> Never {
        put("null-s3: \(message)\n", to: STDERR_FILENO)
        exit(status)
    }

    private static func put(_ text: String, to descriptor: Int32) {
        _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    private static func listen(on port: UInt16) -> (descriptor: Int32, port: UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { fail("socket: errno \(errno)") }
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && Glibc.listen(listener, 1024) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { fail("cannot listen on 127.0.0.1:\(port): errno \(errno)") }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    private static func acceptForEver(_ listener: Int32, _ server: Server) -> Never {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 {
                // A client that gave up while it waited is no reason to end; running out of descriptors is.
                guard errno == EINTR || errno == ECONNABORTED else { fail("accept: errno \(errno)") }
                continue
            }
            var yes: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            Thread.start { server.serve(descriptor) }
        }
    }

    private static func waitForTheEnd() -> Never {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            while true { pause() }
        }
        var byte: UInt8 = 0
        while true {
            let count = read(STDIN_FILENO, &byte, 1)
            if count == 0 || (count < 0 && errno != EINTR) { exit(0) }
        }
    }
}
