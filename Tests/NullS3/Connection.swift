import Glibc

/// The client has gone, or speaks something else than HTTP: nothing is left to be said.
struct Disconnected: Error {}

/// The body of a request.
struct Body {
    var size = 0
    /// Nil when the bytes were discarded.
    var bytes: [UInt8]?
}

/// One client's connection, served by one thread. Closes when it is released.
final class Connection {
    private static let longestHead = 32 << 10

    private let descriptor: Int32
    /// Received and not yet used up.
    private var buffer: ArraySlice<UInt8> = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// The next request's lines without the blank one at their end; nil when the client has closed between two requests.
    func readHead() throws(Disconnected) -> [UInt8]? {
        var scanned = buffer.startIndex
        while true {
            if let end = Self.endOfHead(buffer, from: scanned) {
                defer { buffer = buffer[end...] }
                return Array(buffer[..<(end - 4)])
            }
            guard buffer.count < Self.longestHead else { throw Disconnected() }
            let seen = buffer.count
            guard try receive() else {
                if seen == 0 { return nil }
                throw Disconnected()
            }
            scanned = buffer.startIndex + max(0, seen - 3)
        }
    }

    /// Takes the request's body off the connection, or only its first half.
    /// - Parameter keepsUpTo: a longer body, or one of unknown length when this is not `Int.max`, is discarded unseen.
    func readBody(of request: Request, keepsUpTo: Int, half: Bool = false) throws(Disconnected) -> Body {
        guard request.headers["transfer-encoding"] == nil else { return try readChunks(keep: keepsUpTo == .max) }
        let announced = request.contentLength ?? 0
        guard announced >= 0 else { throw Disconnected() }
        var body = Body(size: half ? announced / 2 : announced, bytes: announced <= keepsUpTo ? [] : nil)
        try take(body.size, into: &body.bytes)
        return body
    }

    func send(_ bytes: some Collection<UInt8>) throws(Disconnected) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent < 0 {
                guard errno == EINTR else { throw Disconnected() }
                continue
            }
            rest = rest.dropFirst(sent)
        }
    }

    /// Has the kernel answer with RST instead of an orderly end when the connection is released.
    func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    }

    /// A body in the chunked transfer coding (RFC 9112, section 7.1).
    private func readChunks(keep: Bool) throws(Disconnected) -> Body {
        var body = Body(size: 0, bytes: keep ? [] : nil)
        while true {
            let line = try readLine()
            let digits = String(decoding: line.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let size = Int(digits, radix: 16), size >= 0 else { throw Disconnected() }
            if size == 0 { break }
            try take(size, into: &body.bytes)
            body.size += size
            guard try readLine().isEmpty else { throw Disconnected() }
        }
        while try !readLine().isEmpty {}
        return body
    }

    private func readLine() throws(Disconnected) -> [UInt8] {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer = buffer[(end + 1)...] }
                let line = buffer[..<end]
                return Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            }
            guard buffer.count < Self.longestHead, try receive() else { throw Disconnected() }
        }
    }

    /// Takes `count` bytes and appends them to `sink`, where there is one.
    private func take(_ count: Int, into sink: inout [UInt8]?) throws(Disconnected) {
        let early = buffer.prefix(count)
        sink?.append(contentsOf: early)
        buffer = buffer.dropFirst(early.count)
        var left = count - early.count
        while left > 0 {
            let received: Int
            if sink == nil {
                // For TCP the kernel throws the bytes away without copying them (tcp(7), MSG_TRUNC).
                received = recv(descriptor, nil, left, Int32(MSG_TRUNC | MSG_WAITALL))
            } else {
                var piece = [UInt8](repeating: 0, count: min(left, 1 << 20))
                received = recv(descriptor, &piece, piece.count, Int32(MSG_WAITALL))
                sink?.append(contentsOf: piece.prefix(max(0, received)))
            }
            guard received > 0 || (received < 0 && errno == EINTR) else { throw Disconnected() }
            left -= max(0, received)
        }
    }

    /// Receives what is there, at least a byte; false at the end.
    private func receive() throws(Disconnected) -> Bool {
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let received = recv(descriptor, &piece, piece.count, 0)
            if received < 0 {
                guard errno == EINTR else { throw Disconnected() }
                continue
            }
            buffer = buffer + piece.prefix(received)
            return received > 0
        }
    }

    /// Where the bytes after the first blank line begin.
    private static func endOfHead(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
        guard bytes.count >= 4, start <= bytes.endIndex - 4 else { return nil }
        let mark = Array("\r\n\r\n".utf8)
        return (start...(bytes.endIndex - 4)).first { bytes[$0 + 3] == mark[3] && bytes[$0..<($0 + 4)].elementsEqual(mark) }
            .map { $0 + 4 }
    }
}
