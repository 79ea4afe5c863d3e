import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import Synchronization

/// What one connection has still to send. Any thread puts frames in and never blocks: what the socket does not take at once is left to
/// the connection's own thread.
final class Outbox: Sendable {
    private struct Item {
        var bytes: [UInt8]
        var sent = 0
        var descriptor: SharedDescriptor?
    }

    private struct State {
        /// Given up at the end: whoever still owes an answer keeps this box, and must not keep descriptors with it.
        var socket: SharedDescriptor?
        /// The same: what wakes the connection's own thread.
        var wakeup: Wakeup?
        var items: [Item] = []
        var queuedBytes = 0
        /// Requests that have come in and are not answered.
        var open = 0
        var isClosed = false
        /// When something was last sent, or had to wait first; monotonic nanoseconds.
        var lastProgress: UInt64 = 0
    }

    private let state: Mutex<State>
    /// Beyond so many requests open, or bytes unsent, nothing more is read: the client feels it in its own socket.
    private let requestLimit: Int
    private let errors: ErrorCounter
    private static let byteLimit = 1 << 20

    init(socket: SharedDescriptor, wakeup: Wakeup, requestLimit: Int, errors: ErrorCounter) {
        state = Mutex(State(socket: socket, wakeup: wakeup))
        self.requestLimit = requestLimit
        self.errors = errors
    }

    /// Whether more requests may be read.
    var isRoom: Bool { state.withLock { $0.open < requestLimit && $0.queuedBytes < Self.byteLimit } }

    /// Whether something waits for the socket, and since when.
    var waitingSince: UInt64? { state.withLock { $0.items.isEmpty ? nil : $0.lastProgress } }

    func requestCame() { state.withLock { $0.open += 1 } }

    /// Answers a request.
    func answer(_ requestID: UInt64, _ message: Message, descriptor: SharedDescriptor? = nil) {
        send(requestID, message, descriptor, isAnswer: true)
    }

    /// Says why the connection ends.
    func announceEnd(_ error: ArtifactError) { send(0, .error(ErrorMessage(error)), nil, isAnswer: false) }

    private func send(_ requestID: UInt64, _ message: Message, _ descriptor: SharedDescriptor?, isAnswer: Bool) {
        let bytes: [UInt8]
        if case .error(let message) = message { errors.count(message.error.code) }
        do throws(ArtifactError) {
            bytes = try message.frame(requestID: requestID, descriptorCount: descriptor == nil ? 0 : 1)
        } catch {
            // The answer does not fit. That this is so always does: its own text is short.
            return send(requestID, .error(ErrorMessage(error)), nil, isAnswer: isAnswer)
        }
        let wakeup = state.withLock { (state) -> Wakeup? in
            let wasFull = state.open >= requestLimit
            if isAnswer { state.open -= 1 }
            guard !state.isClosed else { return nil }
            let wasEmpty = state.items.isEmpty
            if wasEmpty { state.lastProgress = System.monotonicNanoseconds() }
            state.items.append(Item(bytes: bytes, descriptor: descriptor))
            state.queuedBytes += bytes.count
            if wasEmpty { flush(&state) }
            return !state.items.isEmpty || wasFull || state.isClosed ? state.wakeup : nil
        }
        guard let wakeup else { return }
        // An event counter that cannot be written means that the session is gone, and with it who would be woken.
        do throws(SystemError) { try wakeup.signal() } catch { close() }
    }

    /// Sends what the socket takes now.
    func flush() { state.withLock { flush(&$0) } }

    private func flush(_ state: inout State) {
        guard let socket = state.socket else { return }
        var finished = 0
        defer { state.items.removeFirst(finished) }
        for index in state.items.indices {
            let descriptors = state.items[index].sent == 0 ? state.items[index].descriptor.map { [$0.number] } ?? [] : []
            while state.items[index].sent < state.items[index].bytes.count {
                let start = state.items[index].sent
                let count: Int?
                do throws(SystemError) {
                    count = try state.items[index].bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                        try UnixSocket.send(
                            socket.number, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start...]),
                            descriptors: start == 0 ? descriptors : [], flags: Int32(MSG_DONTWAIT))
                    }
                } catch {
                    // The client has gone; the session's own read says so too.
                    state.isClosed = true
                    finished = state.items.count
                    state.queuedBytes = 0
                    return
                }
                guard let count else { return }
                state.items[index].sent += count
                state.queuedBytes -= count
                state.lastProgress = System.monotonicNanoseconds()
            }
            finished += 1
        }
    }

    /// Drops what is unsent and whatever is answered later.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.items = []
            state.queuedBytes = 0
            state.socket = nil
            state.wakeup = nil
        }
    }
}
