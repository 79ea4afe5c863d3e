import Foundation
import Glibc
import Synchronization
import TestSupport

/// An HTTP/1.1 server on loopback that answers what a test wrote down, in order, whatever it is asked; and keeps what it was asked.
final class ScriptedServer: Sendable {
    /// What to answer to one request.
    struct Answer: Sendable {
        var bytes: [UInt8]
        /// Whether the connection ends behind it.
        var closes = false

        /// A whole answer.
        static func http(_ status: String, _ headers: [String] = [], body: String = "", closes: Bool = false) -> Answer {
            let head = (["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers).joined(separator: "\r\n")
            return Answer(bytes: Array("\(head)\r\n\r\n\(body)".utf8), closes: closes)
        }

        /// A refusal as S3 writes it.
        static func error(_ status: String, _ code: String, _ headers: [String] = [], message: String = "") -> Answer {
            http(status, headers, body: "<Error><Code>\(code)</Code><Message>\(message)</Message></Error>")
        }

        /// These bytes, then the end of the connection.
        static func cut(_ text: String) -> Answer { Answer(bytes: Array(text.utf8), closes: true) }

        /// An answer to HEAD, whose length is that of a body that does not come.
        static func head(size: Int, _ headers: [String] = []) -> Answer {
            let lines = ["HTTP/1.1 200 OK", "Content-Length: \(size)", "ETag: \"e\""] + headers
            return Answer(bytes: Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        }

        /// Nothing at all; the connection stays.
        static let silence = Answer(bytes: [])
    }

    /// A request as it arrived.
    struct Request: Sendable {
        var head: String
        var body: [UInt8]

        var line: String { String(head.prefix { $0 != "\r\n" }) }
        /// Method and path without the query.
        var target: String { String(line.prefix { $0 != "?" }.split(separator: " ").prefix(2).joined(separator: " ")) }

        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ": ") }.map {
                String($0.dropFirst(name.count + 2))
            }
        }
    }

    let port: UInt16
    private let answers: Mutex<[Answer]>
    private let received = Mutex<[Request]>([])

    var endpoint: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { received.withLock { $0 } }

    init(_ answers: [Answer]) throws {
        self.answers = Mutex(answers)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw SupportError("no listening socket: \(String(cString: strerror(errno)))") }
        port = UInt16(bigEndian: address.sin_port)
        // It listens as long as the tests run: that a test holds on to its server must not depend on when the last use was.
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                Thread.detachNewThread { self.serve(connection) }
            }
        }
    }

    private func answer(to request: Request) -> Answer {
        received.withLock { $0.append(request) }
        return answers.withLock { $0.isEmpty ? .http("500 The script is over") : $0.removeFirst() }
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var bytes: [UInt8] = []
        while let request = Self.next(connection, &bytes) {
            let answer = answer(to: request)
            guard Self.sendAll(connection, answer.bytes), !answer.closes else { return }
        }
    }

    /// The next whole request; nil when the client is gone.
    private static func next(_ connection: Int32, _ bytes: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let request = Request(head: String(decoding: bytes[..<range.lowerBound], as: UTF8.self), body: [])
                let length = request.header("content-length").flatMap { Int($0) } ?? 0
                if bytes.count >= range.upperBound + length {
                    let body = Array(bytes[range.upperBound..<range.upperBound + length])
                    bytes.removeFirst(range.upperBound + length)
                    return Request(head: request.head, body: body)
                }
            }
            var run = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &run, run.count, 0)
            guard count > 0 else { return nil }
            bytes += run[..<count]
        }
    }

    private static func sendAll(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
