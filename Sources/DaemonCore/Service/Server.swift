import ArtifactModel
import Glibc
import LinuxSystem
import Logging
import Synchronization
import WorkerPool

/// Accepts connections, each served by a thread of its own, bounded in number altogether and for each user.
final class Server: Sendable {
    private struct State {
        var sessions: [Int: (session: Session, thread: OwnedThread)] = [:]
        var ended: [Int] = []
        var next = 0
        var isStopping = false
    }

    private let listener: UnixListener
    private let requests: RequestHandler
    private let status: StatusSource
    private let log: Logger
    private let wakeup: Wakeup
    private let state = Mutex(State())

    init(listener: UnixListener, requests: RequestHandler, status: StatusSource, log: Logger) throws(SystemError) {
        self.listener = listener
        self.requests = requests
        self.status = status
        self.log = log
        wakeup = try Wakeup()
    }

    /// Accepts until the server is stopped.
    func run() {
        while !state.withLock({ $0.isStopping }) {
            do throws(SystemError) {
                var polled = [
                    pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: wakeup.number, events: Int16(POLLIN), revents: 0),
                ]
                _ = try System.poll(&polled)
                if polled[1].revents != 0 { try wakeup.drain() }
                reap()
                if polled[0].revents != 0, let accepted = try listener.accept() { try take(SharedDescriptor(accepted)) }
            } catch {
                pauseAccepting(error)
            }
        }
    }

    /// With no descriptor or thread to be had the connection stays in the listener's queue; asking at once again would spin.
    private func pauseAccepting(_ error: SystemError) {
        log.error("a connection cannot be taken; waiting for others to end", metadata: ["error": "\(error)"])
        var polled = [pollfd(fd: wakeup.number, events: Int16(POLLIN), revents: 0)]
        do throws(SystemError) {
            if try System.poll(&polled, until: System.monotonicNanoseconds() + 100_000_000) > 0 { try wakeup.drain() }
        } catch {
            log.error("the accepting thread cannot wait", metadata: ["error": "\(error)"])
        }
        reap()
    }

    private func take(_ socket: SharedDescriptor) throws(SystemError) {
        let credentials = try PeerCredentials(of: socket.number)
        if let refusal = refusal(for: credentials) {
            Outbox(socket: socket, wakeup: wakeup, requestLimit: 1, errors: requests.errors).announceEnd(refusal)
            return log.warning("a connection is refused", metadata: ["uid": "\(credentials.uid)", "error": "\(refusal)"])
        }
        let session = try Session(socket: socket, credentials: credentials, requests: requests, log: log)
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let thread = try OwnedThread(name: "session") { [self] in
            session.run()
            state.withLock { $0.ended.append(number) }
            wake()
        }
        let count = state.withLock { state in
            state.sessions[number] = (session, thread)
            return state.sessions.count
        }
        status.count(connections: count)
    }

    private func refusal(for credentials: PeerCredentials) -> ArtifactError? {
        let limit = requests.configuration.connections
        return state.withLock { state in
            let all = state.sessions.count
            // One user alone cannot take every place from the others.
            let own = state.sessions.values.count { $0.session.credentials.uid == credentials.uid }
            guard all >= limit || (credentials.uid != 0 && own >= max(1, limit / 2)) else { return nil }
            return ArtifactError(
                .busy,
                "all \(all >= limit ? limit : own) connections that \(all >= limit ? "there may be" : "one user may have") are taken",
                retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
        }
    }

    /// Joins the threads whose sessions have ended.
    private func reap() {
        let (threads, count) = state.withLock { state in
            // A session can end before it was entered: then it is found the next time.
            let known = state.ended.filter { state.sessions[$0] != nil }
            state.ended.removeAll { known.contains($0) }
            let threads = known.compactMap { state.sessions.removeValue(forKey: $0)?.thread }
            return (threads, state.sessions.count)
        }
        for thread in threads { thread.join() }
        status.count(connections: count)
    }

    private func wake() {
        do throws(SystemError) { try wakeup.signal() } catch {
            log.error("the accepting thread cannot be woken", metadata: ["error": "\(error)"])
        }
    }

    /// Takes no more connections; `run` returns.
    func stopAccepting() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    /// Ends all connections and waits for their threads. Call it when `run` has returned.
    func endSessions() {
        let sessions = state.withLock { state in
            defer { state.sessions = [:] }
            return Array(state.sessions.values)
        }
        for (session, _) in sessions { session.end() }
        for (_, thread) in sessions { thread.join() }
    }
}
