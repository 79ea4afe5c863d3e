import ArtifactClient
import ArtifactModel
import ArtifactWire
import LinuxSystem
import NIOPosix
import Synchronization
import WorkerPool

/// One connection to the daemon for many tasks: a thread of its own sends their requests as they come, and hands the answers out as
/// they come.
///
/// The thread may block, on the socket and nothing else; the tasks never do.
final class DaemonLink: Sendable {
    typealias Outcome = Result<Client.Answer, ClientError>

    /// What is in force on the connection.
    let welcome: Welcome
    private let driver: Driver

    private init(_ welcome: Welcome, _ driver: Driver) {
        self.welcome = welcome
        self.driver = driver
    }

    /// Connects to the daemon and greets it.
    /// - Parameter tenant: to act for; nil for the one that the daemon gives the gateway.
    /// - Parameter threads: where a thread that ends is waited for.
    static func connect(
        socket: String?, environment: [String: String], tenant: String?, threads: NIOThreadPool
    ) async throws(ClientError) -> DaemonLink {
        let driver: Driver
        do throws(SystemError) { driver = try Driver() } catch {
            throw .failure(ArtifactError(.busy, "no further connection to artifactd can be made", cause: "\(error)"))
        }
        let result = await withCheckedContinuation { continuation in
            driver.start(
                connect: { () throws(ClientError) in
                    try Client.connect(
                        socket: socket, environment: environment, clientName: "artifact-gateway/\(artifactdVersion)",
                        tenant: tenant)
                }, connected: { continuation.resume(returning: $0) })
        }
        do throws(ClientError) { return DaemonLink(try result.get(), driver) } catch {
            threads.submit { _ in driver.join() }
            throw error
        }
    }

    /// Whether the connection has ended, so that nothing more can be asked over it.
    var hasEnded: Bool { driver.hasEnded }

    /// Sends a request and waits for its answer.
    /// - Parameter descriptor: travels with the request.
    /// - Throws: `failure` also when the daemon answers with an error.
    func call(_ message: Message, descriptor: SharedDescriptor? = nil) async throws(ClientError) -> Client.Answer {
        let outcome = await withCheckedContinuation { continuation in
            driver.submit(Driver.Submission(message: message, descriptor: descriptor) { continuation.resume(returning: $0) })
        }
        let answer = try outcome.get()
        if case .error(let refusal) = answer.message { throw .failure(refusal.error) }
        return answer
    }

    /// Ends the connection; what is still asked for is answered first.
    func end() { driver.end() }

    /// Waits until the connection's thread is gone. Blocks; once, after `end` or when the connection has ended.
    func join() { driver.join() }
}

/// The thread of a link, and what other threads hand it.
private final class Driver: Sendable {
    struct Submission: Sendable {
        let message: Message
        let descriptor: SharedDescriptor?
        /// Called once, on the thread. Takes the answer over: with a descriptor in it, nobody else must hold that.
        let answer: @Sendable (consuming DaemonLink.Outcome) -> Void
    }

    private struct State {
        var waiting: [Submission] = []
        var isEnding = false
        /// Why nothing more can be asked.
        var ending: ClientError?
        var thread: OwnedThread?
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup

    init() throws(SystemError) { wakeup = try Wakeup() }

    var hasEnded: Bool { state.withLock { $0.ending != nil || $0.isEnding } }

    func start(
        connect: @escaping @Sendable () throws(ClientError) -> Client,
        connected: @escaping @Sendable (Result<Welcome, ClientError>) -> Void
    ) {
        do throws(SystemError) {
            // Under the lock: whoever joins must find the thread.
            try state.withLock { state throws(SystemError) in
                state.thread = try OwnedThread(name: "daemon link") { [self] in
                    let client: Client
                    do throws(ClientError) { client = try connect() } catch {
                        finish(error, open: [:])
                        return connected(.failure(error))
                    }
                    connected(.success(client.welcome))
                    serve(client)
                }
            }
        } catch {
            connected(
                .failure(.failure(ArtifactError(.busy, "no thread can be made for artifactd's answers", cause: "\(error)"))))
        }
    }

    func submit(_ submission: Submission) {
        let ending = state.withLock { state -> ClientError? in
            if state.ending == nil { state.waiting.append(submission) }
            return state.ending
        }
        if let ending { submission.answer(.failure(ending)) } else { wake() }
    }

    func end() {
        state.withLock { $0.isEnding = true }
        wake()
    }

    func join() { state.withLock { $0.thread.take() }?.join() }

    private func wake() {
        do throws(SystemError) { try wakeup.signal() } catch {
            // Writing to an event counter that is open and not full cannot fail.
            preconditionFailure("a thread cannot be woken: \(error)")
        }
    }

    private func serve(_ client: Client) {
        var open: [UInt64: @Sendable (consuming DaemonLink.Outcome) -> Void] = [:]
        // At its limit the daemon reads nothing, and whether it is alive could not be found out.
        let limit = max(1, Int(client.welcome.requestLimit) - 1)
        do throws(ClientError) {
            while true {
                let (submissions, isEnding) = state.withLock { state in
                    let count = min(state.waiting.count, limit - open.count)
                    defer { state.waiting.removeFirst(count) }
                    return (Array(state.waiting.prefix(count)), state.isEnding && state.waiting.count == count)
                }
                for submission in submissions { send(submission, client, &open) }
                if isEnding, open.isEmpty { break }
                guard let answer = try client.receive(or: wakeup) else { continue }
                open.removeValue(forKey: answer.requestID)?(.success(answer))
            }
            finish(.connectionLost(socket: "", cause: "the gateway closed it"), open: open)
        } catch {
            finish(error, open: open)
        }
    }

    private func send(
        _ submission: Submission, _ client: Client, _ open: inout [UInt64: @Sendable (consuming DaemonLink.Outcome) -> Void]
    ) {
        do throws(ClientError) {
            open[try client.send(submission.message, descriptor: submission.descriptor?.number)] = submission.answer
        } catch {
            // Its own fault, or the connection's: then receiving fails next.
            submission.answer(.failure(error))
        }
    }

    private func finish(_ error: ClientError, open: [UInt64: @Sendable (consuming DaemonLink.Outcome) -> Void]) {
        let waiting = state.withLock { state in
            state.ending = error
            defer { state.waiting = [] }
            return state.waiting
        }
        for answer in open.values { answer(.failure(error)) }
        for submission in waiting { submission.answer(.failure(error)) }
    }
}
