import ArtifactModel
import Glibc
import Journal
import LinuxSystem
public import Logging
import ObjectStore
public import ServiceLifecycle
import WorkerPool

/// The daemon: puts its parts together, starts them in order, and stops them in the opposite one.
public final class Daemon: Service {
    private let configuration: Configuration
    private let environment: [String: String]
    private let log: Logger

    /// A daemon that is not started yet.
    /// - Parameter environment: the process's environment; credentials and systemd's variables are taken from it.
    public init(configuration: Configuration, environment: [String: String], log: Logger) {
        self.configuration = configuration
        self.environment = environment
        self.log = log
    }

    /// Starts, serves until the service group shuts down, and stops.
    /// - Throws: `ArtifactError` when the daemon cannot start.
    public func run() async throws {
        let running = try await Self.offPool { [configuration, environment, log] in
            try RunningDaemon.start(configuration: configuration, environment: environment, log: log)
        }
        try await gracefulShutdown()
        try await Self.offPool { try running.stop() }
    }

    /// Blocking work does not run on Swift's pool: it has one thread a core.
    private static func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let holder = Monitor<OwnedThread?>(nil)
        defer { holder.withLock { $0 }?.join() }
        return try await withCheckedThrowingContinuation { continuation in
            do {
                let thread = try OwnedThread(name: "main-work") { continuation.resume(with: Swift.Result { try body() }) }
                holder.withLock { $0 = thread }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

/// The daemon's parts, running.
private final class RunningDaemon: Sendable {
    /// How long a stop waits for parts that are being sent. What is not finished by then is sent again after the restart.
    private static let grace: UInt64 = 10_000_000_000
    private static let readerThreads = 4
    private static let lookupThreads = 4
    private static let keeperThreads = 2
    private static let spoolThreads = 4

    private let configuration: Configuration
    private let environment: [String: String]
    private let log: Logger
    private let stopSignal = StopSignal()
    private let state: StateDirectory
    private let journal: Journal
    private let spool: Spool
    private let pins: PinTable
    private let dispatcher: Dispatcher
    private let keeper: DurableKeeper
    private let committer: SpoolCommitter
    private let readers: StoreThreads
    private let lookups: StoreThreads
    private let engine: UploadEngine
    private let listener: UnixListener
    private let server: Server
    private let threads: Threads

    private struct Threads: Sendable {
        var workers: WorkerThreads
        var keepers: WorkerThreads
        var committers: WorkerThreads
        var readers: WorkerThreads
        var lookups: WorkerThreads
        var registrar: OwnedThread
        var server: OwnedThread
        var housekeeper: OwnedThread
    }

    /// Starts a daemon, or leaves nothing of it running.
    static func start(
        configuration: Configuration, environment: [String: String], log: Logger
    ) throws(ArtifactError) -> RunningDaemon {
        let passed = try PassedDescriptors(environment: environment)
        let state = try StateDirectory(path: configuration.state)
        let listener = try listen(configuration, passed.listener)
        let journal = try Journal.open(directory: configuration.state, now: { System.wallMilliseconds() })
        do throws(ArtifactError) {
            return try RunningDaemon(
                configuration: configuration, environment: environment, log: log, state: state, listener: listener,
                passed: passed.jobs, journal: journal)
        } catch {
            do {
                try journal.close()
                try listener.removePath()
            } catch {
                log.warning("what was begun could not be undone", metadata: ["error": "\(error)"])
            }
            throw error
        }
    }

    private init(
        configuration: Configuration, environment: [String: String], log: Logger, state: StateDirectory, listener: UnixListener,
        passed: [JobID: SharedDescriptor], journal: Journal
    ) throws(ArtifactError) {
        self.configuration = configuration
        self.environment = environment
        self.log = log
        self.state = state
        self.listener = listener
        self.journal = journal
        if let setAside = journal.setAside {
            log.critical("the journal was damaged and is set aside; a new one is begun", metadata: ["file": "\(setAside)"])
        }
        if journal.isNew, let kept = try state.setSpoolAside(now: System.wallMilliseconds()) {
            log.critical(
                "the journal is new; files in the spool, which an earlier one knew, are kept", metadata: ["directory": "\(kept)"])
        }
        let setAside = try state.setAside()
        let spool = try Spool(path: state.spool, quota: configuration.spoolQuota)
        self.spool = spool
        let descriptorStore = DescriptorStore(environment: environment)
        let pins = PinTable(limit: try Self.descriptorBudget(configuration, log), store: descriptorStore)
        self.pins = pins

        let retries = RetryCounter()
        let integrity = FoundIntegrity(journal: journal)
        let factory = StoreFactory(
            configuration: configuration, environment: environment, journal: journal, integrity: integrity,
            retries: retries, stop: stopSignal)
        var all: [any ObjectStore] = []
        for location in [configuration.store] + configuration.destinations { all.append(try factory.make(location)) }
        let stores = Stores(all)
        let dispatcher = Dispatcher(
            configuration: configuration, stores: stores, counters: JobCounters(atStart: try journal.counts()),
            cores: System.processorCount(), retries: retries, log: log)
        self.dispatcher = dispatcher
        retries.tell { [weak dispatcher] location, error in dispatcher?.storeStumbled(location, error) }
        try Recovery(
            journal: journal, spool: spool, pins: pins, descriptorStore: descriptorStore, dispatcher: dispatcher, log: log
        ).run(passed: passed)

        let engine = UploadEngine(
            configuration: configuration, stores: stores, journal: journal, spool: spool, pins: pins, dispatcher: dispatcher,
            log: log)
        self.engine = engine
        let keeper = DurableKeeper(journal: journal, spool: spool, pins: pins, dispatcher: dispatcher, log: log)
        self.keeper = keeper
        let committer = SpoolCommitter(spool: spool)
        self.committer = committer
        let readers = StoreThreads(stores: stores, dispatcher: dispatcher)
        let lookups = StoreThreads(stores: stores, dispatcher: dispatcher)
        (self.readers, self.lookups) = (readers, lookups)
        let status = StatusSource(
            configuration: configuration, stores: stores, journal: journal, spool: spool, pins: pins, dispatcher: dispatcher,
            integrity: integrity, setAside: setAside)
        let intake = Intake(
            configuration: configuration, stores: stores, journal: journal, spool: spool, pins: pins, dispatcher: dispatcher,
            keeper: keeper, committer: committer)
        let registrar = Registrar(journal: journal, stores: stores, dispatcher: dispatcher, log: log)
        let registry = Registry(
            journal: journal, stores: stores, threads: lookups, dispatcher: dispatcher, registrar: registrar)
        let requests = RequestHandler(
            configuration: configuration, policy: PeerPolicy(rules: configuration.peers, ownUser: System.effectiveUserID()),
            journal: journal, spool: spool, stores: stores, intake: intake, dispatcher: dispatcher, engine: engine,
            objects: Objects(stores: stores, dispatcher: dispatcher, threads: readers), registry: registry, status: status)
        do throws(SystemError) {
            let server = try Server(listener: listener, requests: requests, status: status, log: log)
            self.server = server
            let housekeeper = Housekeeper(
                configuration: configuration, journal: journal, dispatcher: dispatcher, commits: registrar.waiters,
                stop: stopSignal,
                environment: environment,
                watchdog: try Systemd.watchdogInterval(environment: environment, pid: System.processID()), log: log)
            threads = Threads(
                workers: try WorkerThreads(count: configuration.workers, name: "upload") { _ in engine.run() },
                keepers: try WorkerThreads(count: Self.keeperThreads, name: "keep") { _ in keeper.run() },
                committers: try WorkerThreads(count: Self.spoolThreads, name: "spool") { _ in committer.run() },
                readers: try WorkerThreads(count: Self.readerThreads, name: "object") { _ in readers.run() },
                lookups: try WorkerThreads(count: Self.lookupThreads, name: "lookup") { _ in lookups.run() },
                registrar: try OwnedThread(name: "registrar") { registrar.run() },
                server: try OwnedThread(name: "accept") { server.run() },
                housekeeper: try OwnedThread(name: "housekeeper") { housekeeper.run() })
        } catch {
            throw ArtifactError(.internalFault, "the daemon's threads cannot be started", cause: "\(error)")
        }
        notify("READY=1\nSTATUS=storing to \(configuration.store)")
        log.notice(
            "ready",
            metadata: [
                "version": "\(artifactdVersion)", "socket": "\(configuration.socket)", "store": "\(configuration.store)",
                "state": "\(configuration.state)", "pid": "\(System.processID())",
            ])
    }

    private static func listen(_ configuration: Configuration, _ passed: SharedDescriptor?) throws(ArtifactError) -> UnixListener
    {
        do throws(SystemError) {
            if let passed { return try UnixListener.adopt(try System.duplicate(passed.number)) }
            let directory = configuration.socket.split(separator: "/").dropLast().joined(separator: "/")
            _ = try System.makeDirectories("/" + directory, mode: 0o755)
            return try UnixListener.bind(path: configuration.socket, mode: 0o660)
        } catch {
            if error.errno == EADDRINUSE {
                throw ArtifactError(
                    .conflict,
                    "another artifactd listens at '\(configuration.socket.escapedForLog)'; stop it, or name another with --socket"
                )
            }
            throw ArtifactError(
                .localStorageFailed,
                "the socket '\(configuration.socket.escapedForLog)' cannot be made; name another with --socket",
                cause: "\(error)")
        }
    }

    /// How many of the process's descriptors clients' files may take; the process's limit is raised as far as it goes.
    private static func descriptorBudget(_ configuration: Configuration, _ log: Logger) throws(ArtifactError) -> Int {
        do throws(SystemError) {
            let limit = try System.descriptorLimit()
            if limit.soft < limit.hard { try System.setDescriptorLimit(soft: limit.hard) }
            // Three for each connection (socket, wakeup, one being handed over) and worker, and the daemon's own files.
            let own = 3 * (configuration.connections + configuration.workers + readerThreads + lookupThreads) + 64
            let room = max(0, Int(clamping: limit.hard) - own)
            guard let wanted = configuration.descriptors, wanted > room else { return configuration.descriptors ?? room }
            log.warning(
                "fewer descriptors than configured can be kept: raise the limit of open files (LimitNOFILE=)",
                metadata: ["descriptors": "\(wanted)", "possible": "\(room)", "limit": "\(limit.hard)"])
            return room
        } catch {
            throw ArtifactError(.internalFault, "the limit of open files cannot be asked", cause: "\(error)")
        }
    }

    func stop() throws(ArtifactError) {
        log.notice("stopping")
        notify("STOPPING=1")
        server.stopAccepting()
        threads.server.join()
        dispatcher.stop()
        keeper.stop()
        committer.stop()
        readers.stop()
        lookups.stop()
        dispatcher.bell.stop()
        stopSignal.raise()
        server.endSessions()
        threads.keepers.join()
        threads.committers.join()
        threads.housekeeper.join()
        if !dispatcher.waitUntilIdle(deadline: System.monotonicNanoseconds() + Self.grace) {
            log.notice("parts that are still being sent are left; they are sent again after the restart")
        }
        stopSignal.cut()
        DescriptorRescue(journal: journal, spool: spool, pins: pins, log: log, stillAtIt: { [self] in extendStop() }).run()
        threads.workers.join()
        threads.readers.join()
        threads.lookups.join()
        threads.registrar.join()
        try journal.close()
        do throws(SystemError) { try listener.removePath() } catch {
            log.warning("the socket's path could not be removed", metadata: ["error": "\(error)"])
        }
        log.notice("stopped")
    }

    /// Has systemd wait another minute, the watchdog included: longer than a piece of a copy takes on any disk that works.
    private func extendStop() { notify("EXTEND_TIMEOUT_USEC=60000000\nWATCHDOG=1") }

    private func notify(_ state: String) {
        do throws(SystemError) { try Systemd.notify(state, environment: environment) } catch {
            log.warning("systemd could not be told", metadata: ["error": "\(error)"])
        }
    }
}

/// What systemd passed at the start: the listening socket, and the descriptors from its store.
private struct PassedDescriptors {
    var listener: SharedDescriptor?
    var jobs: [JobID: SharedDescriptor] = [:]

    init(environment: [String: String]) throws(ArtifactError) {
        do throws(SystemError) {
            for (name, number) in try Systemd.listenDescriptors(environment: environment, pid: System.processID()) {
                let descriptor = SharedDescriptor(owning: number)
                if let job = DescriptorStore.job(named: name) {
                    jobs[job] = descriptor
                } else if listener == nil {
                    listener = descriptor
                }
            }
        } catch {
            throw ArtifactError(.invalidRequest, "the descriptors that systemd passed cannot be used", cause: "\(error)")
        }
    }
}
