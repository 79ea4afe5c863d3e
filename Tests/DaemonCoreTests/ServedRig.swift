import ArtifactModel
import LinuxSystem
import Logging
import ObjectStore
import TestSupport
import WorkerPool

@testable import DaemonCore

/// A rig behind a real socket.
final class ServedRig {
    let rig: Rig
    let socket: String
    private let server: Server
    private let thread: OwnedThread
    private let housekeeper: OwnedThread
    private let stop = StopSignal()
    private var isServing = true

    init(
        _ store: MemoryStore = MemoryStore(), holdsSpool: Bool = false, _ change: (inout Configuration) -> Void = { _ in }
    ) throws {
        rig = try Rig(store, holdsSpool: holdsSpool, change)
        socket = rig.configuration.socket
        let listener = try UnixListener.bind(path: socket, mode: 0o600)
        let server = try Server(listener: listener, requests: rig.requests, status: rig.status, log: rig.log.logger)
        self.server = server
        let keeper = Housekeeper(
            configuration: rig.configuration, journal: rig.journal, dispatcher: rig.dispatcher, commits: rig.registrar.waiters,
            stop: stop, environment: [:],
            watchdog: nil, log: rig.log.logger)
        thread = try OwnedThread(name: "accept") { server.run() }
        housekeeper = try OwnedThread(name: "housekeeper") { keeper.run() }
    }

    func client() throws -> TestClient { try TestClient(socket) }

    /// Ends all connections, as a stop of the daemon does.
    func endConnections() {
        guard isServing else { return }
        isServing = false
        server.stopAccepting()
        thread.join()
        server.endSessions()
        stop.raise()
        housekeeper.join()
    }

    /// See `Rig.finish`.
    func finish() throws -> [String] {
        endConnections()
        return try rig.finish()
    }

    deinit { endConnections() }
}
