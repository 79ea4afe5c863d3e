import ArtifactModel
import ArtifactWire
import Glibc
import Journal
import LinuxSystem
import ObjectStore
import Pipeline
import Synchronization
import TestSupport
import WorkerPool

@testable import DaemonCore

/// The daemon from the intake to the store, put together as `Daemon` does it, over a store in memory.
///
/// What it holds after a test must be nothing: every test ends with `finish`.
final class Rig: Sendable {
    let directory: TemporaryDirectory
    let store: MemoryStore
    let configuration: Configuration
    let log = LogRecorder()
    let journal: Journal
    let spool: Spool
    let pins: PinTable
    let dispatcher: Dispatcher
    let engine: UploadEngine
    let keeper: DurableKeeper
    let committer: SpoolCommitter
    let intake: Intake
    let stores: Stores
    let readers: StoreThreads
    let lookups: StoreThreads
    let registrar: Registrar
    let requests: RequestHandler
    let status: StatusSource
    private let threads: WorkerThreads
    private let keepers: WorkerThreads
    private let committers: WorkerThreads
    /// Before it opens no spool file is committed, as if the disk took that long.
    let spoolGate = Gate()
    private let readerThreads: WorkerThreads
    private let lookupThreads: WorkerThreads
    private let registrarThread: OwnedThread
    private let life = Mutex((isRunning: true, gates: [Gate]()))

    static let peer = Peer(uid: System.effectiveUserID(), gid: 0, isAdmin: true, isOwnUser: true, tenant: "default", choices: nil)

    /// - Parameters:
    ///   - directory: of an earlier rig, to go on with what it left.
    ///   - page: what the registrar reads at a time.
    ///   - holdsSpool: whether `spoolGate` is closed at first.
    init(
        _ store: MemoryStore = MemoryStore(), besides: [any ObjectStore] = [], in directory: TemporaryDirectory? = nil,
        cores: Int = 4, page: Int = 1000, holdsSpool: Bool = false, _ change: (inout Configuration) -> Void = { _ in }
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        self.store = store
        var configuration = Configuration(socket: directory.path + "/socket", state: directory.path, store: store.location)
        configuration.workers = 4
        configuration.partSize = 5 << 20
        configuration.compression = Compression.none
        change(&configuration)
        try configuration.check()
        self.configuration = configuration
        journal = try Journal.open(directory: directory.path, now: { System.wallMilliseconds() })
        spool = try Spool(path: directory.path + "/spool", quota: configuration.spoolQuota)
        pins = PinTable(limit: 64, store: nil)
        stores = Stores([store] + besides)
        dispatcher = Dispatcher(
            configuration: configuration, stores: stores, counters: JobCounters(atStart: try journal.counts()), cores: cores,
            retries: RetryCounter(), log: log.logger, backoff: Backoff(base: 1000, cap: 1000))
        try Recovery(
            journal: journal, spool: spool, pins: pins, descriptorStore: nil, dispatcher: dispatcher, log: log.logger
        ).run(passed: [:])
        engine = UploadEngine(
            configuration: configuration, stores: stores, journal: journal, spool: spool, pins: pins, dispatcher: dispatcher,
            log: log.logger)
        keeper = DurableKeeper(journal: journal, spool: spool, pins: pins, dispatcher: dispatcher, log: log.logger)
        committer = SpoolCommitter(spool: spool)
        intake = Intake(
            configuration: configuration, stores: stores, journal: journal, spool: spool, pins: pins, dispatcher: dispatcher,
            keeper: keeper, committer: committer)
        readers = StoreThreads(stores: stores, dispatcher: dispatcher)
        lookups = StoreThreads(stores: stores, dispatcher: dispatcher)
        status = StatusSource(
            configuration: configuration, stores: stores, journal: journal, spool: spool, pins: pins, dispatcher: dispatcher,
            integrity: FoundIntegrity(journal: journal), setAside: [])
        registrar = Registrar(
            journal: journal, stores: stores, dispatcher: dispatcher, log: log.logger, page: page,
            backoff: Backoff(base: 1000, cap: 1000))
        let registry = Registry(
            journal: journal, stores: stores, threads: lookups, dispatcher: dispatcher, registrar: registrar)
        requests = RequestHandler(
            configuration: configuration, policy: PeerPolicy(rules: configuration.peers, ownUser: System.effectiveUserID()),
            journal: journal, spool: spool, stores: stores, intake: intake, dispatcher: dispatcher, engine: engine,
            objects: DaemonCore.Objects(stores: stores, dispatcher: dispatcher, threads: readers), registry: registry,
            status: status)
        let (engine, keeper, registrar, committer) = (engine, keeper, registrar, committer)
        let (readers, lookups) = (readers, lookups)
        let spoolGate = spoolGate
        if !holdsSpool { spoolGate.open() }
        threads = try WorkerThreads(count: configuration.workers, name: "upload") { _ in engine.run() }
        keepers = try WorkerThreads(count: 2, name: "keep") { _ in keeper.run() }
        committers = try WorkerThreads(count: 2, name: "spool") { _ in
            spoolGate.pass()
            committer.run()
        }
        readerThreads = try WorkerThreads(count: 1, name: "object") { _ in readers.run() }
        lookupThreads = try WorkerThreads(count: 1, name: "lookup") { _ in lookups.run() }
        registrarThread = try OwnedThread(name: "registrar") { registrar.run() }
    }

    /// A gate for a hook of the store. It opens when the rig stops, at the latest: threads that wait there must end.
    func makeGate() -> Gate {
        let gate = Gate()
        life.withLock { $0.gates.append(gate) }
        return gate
    }

    // MARK: Handing over

    /// Hands bytes over inline.
    func put(_ bytes: [UInt8], to key: String, level: AcknowledgementLevel = .accepted) throws -> JobID {
        try submit(Put(destination: key, source: .inline(bytes), level: level)).wait().get().id
    }

    /// Hands a file over by its descriptor.
    func put(
        file path: String, to key: String, compression: Compression? = nil, level: AcknowledgementLevel = .accepted,
        onChange: ChangePolicy = .fail
    ) throws -> JobID {
        let request = Put(
            destination: key, source: .descriptor, label: path, compression: compression, level: level, changePolicy: onChange)
        return try submit(request, SharedDescriptor(try System.open(path, O_RDONLY))).wait().get().id
    }

    /// Begins a hand-over.
    func submit(_ request: Put, _ descriptor: SharedDescriptor? = nil) -> Promise<Result<Accepted, ArtifactError>> {
        let promise = Promise<Result<Accepted, ArtifactError>>()
        intake.put(request, arrivedAt: System.monotonicNanoseconds(), descriptor: descriptor, spoolFile: nil, peer: Self.peer) {
            promise.keep($0)
        }
        return promise
    }

    /// Has a request carried out, as from a connection.
    func handle(_ request: Message, as peer: Peer = peer) -> Promise<Result<Message, ArtifactError>> {
        let promise = Promise<Result<Message, ArtifactError>>()
        let now = System.monotonicNanoseconds()
        requests.handle(request, arrivedAt: now, descriptor: nil, spoolFile: nil, peer: peer) { promise.keep($0) }
        return promise
    }

    /// Asks for a job to be cancelled; the answer is the state in which it is then.
    func cancel(_ id: JobID) -> Promise<Result<JobState, ArtifactError>> {
        let promise = Promise<Result<JobState, ArtifactError>>()
        let now = System.monotonicNanoseconds()
        requests.handle(.cancel(Cancel(id: id)), arrivedAt: now, descriptor: nil, spoolFile: nil, peer: Self.peer) { answer in
            promise.keep(
                answer.flatMap { message in
                    if case .cancelled(let cancelled) = message { return .success(cancelled.state) }
                    return .failure(ArtifactError(.internalFault, "answered with \(message.type)"))
                })
        }
        return promise
    }

    /// A new file with these bytes.
    func file(_ bytes: [UInt8], name: String = "source") throws -> String {
        let path = "\(directory.path)/\(name)"
        try Self.write(bytes, to: path)
        return path
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try System.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try bytes.withUnsafeBytes { try System.write($0, to: file.number, at: 0) }
    }

    // MARK: Waiting

    /// Waits until the job has ended, and tells how.
    @discardableResult
    func end(of id: JobID) throws -> JobRecord {
        let promise = Promise<Result<Waiters.Outcome, ArtifactError>>()
        dispatcher.wait(for: [id], level: .stored, deadline: nil, lookUp: { _ in Waiters.Failures() }) { promise.keep($0) }
        _ = try promise.wait().get()
        return try record(of: id)
    }

    /// Waits until everything that was submitted to the journal before is committed and answered.
    func settleJournal() throws { _ = try journal.apply(.uploadAborted(uploadID: "none")) }

    func record(of id: JobID) throws -> JobRecord {
        guard let record = try journal.record(id) else { throw SupportError("no job \(id)") }
        return record
    }

    // MARK: The end

    /// Stops, as `Daemon` does, wherever things stand.
    func stop() throws {
        let (wasRunning, gates) = life.withLock { life in
            defer { life.isRunning = false }
            return (life.isRunning, life.gates)
        }
        guard wasRunning else { return }
        dispatcher.stop()
        for gate in gates { gate.open() }
        spoolGate.open()
        keeper.stop()
        committer.stop()
        readers.stop()
        lookups.stop()
        dispatcher.bell.stop()
        keepers.join()
        committers.join()
        readerThreads.join()
        lookupThreads.join()
        registrarThread.join()
        threads.join()
        try journal.close()
    }

    /// Stops when nothing is left to be done, and says what is left all the same: it should be nothing.
    func finish() throws -> [String] {
        try log.wait("uploads aborted") { try journal.uploadsToAbort().isEmpty }
        let counted = try journal.counts()
        try stop()
        var left: [String] = []
        if dispatcher.buffers.used != 0 { left.append("\(dispatcher.buffers.used) bytes of buffers are reserved") }
        if store.openUploads != 0 { left.append("\(store.openUploads) uploads are open") }
        dispatcher.snapshot { state in
            if !state.queue.isEmpty { left.append("\(state.queue.count) jobs are pending") }
            if !state.settling.isEmpty { left.append("\(state.settling.count) uploads wait for the journal") }
            if !state.active.isEmpty { left.append("\(state.active.count) uploads are active") }
            if state.windows != 0 { left.append("\(state.windows) bytes of windows are held") }
            if state.reserved != StateCounters.Count() { left.append("\(state.reserved) is reserved in the queue") }
            for number in JobState.allCases {
                var whole = StateCounters.Count()
                for (tenant, counters) in state.counters.tenants {
                    let inJournal = counted.first { $0.tenant == tenant && $0.state == number }
                    let expected = StateCounters.Count(jobs: inJournal?.jobs ?? 0, bytes: inJournal?.bytes ?? 0)
                    whole += expected
                    if counters[number] != expected {
                        left.append("\(counters[number]) of \(tenant) counted as \(number), \(expected) in the journal")
                    }
                }
                if state.counters[number] != whole { left.append("\(state.counters[number]) are \(number), \(whole) by tenant") }
            }
            for tenant in Set(counted.map(\.tenant)) where state.counters.tenants[tenant] == nil {
                left.append("\(tenant) is not counted")
            }
        }
        return left
    }

    deinit {
        do { try stop() } catch { print("the rig could not be stopped: \(error)") }
    }
}

/// An object's bytes after undoing its encoding, as a reader would.
func decoded(_ bytes: [UInt8], _ encoding: ContentEncoding) throws -> [UInt8] {
    let decoder = try StreamDecoder(encoding: encoding)
    var result: [UInt8] = []
    try bytes.withUnsafeBytes { try decoder.decode($0) { result += $0 } }
    try decoder.finish()
    return result
}

/// Text that shrinks, of a given size.
func prose(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    let words = ["loss", "epoch", "step", "accuracy", "gradient", "layer", "tensor", "batch"].map { Array("\($0)=".utf8) }
    var text: [UInt8] = []
    text.reserveCapacity(count + 32)
    var state = seed
    while text.count < count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text += words[Int(state >> 61)]
        text += Array(String(state >> 40).utf8)
        text.append(10)
    }
    return Array(text.prefix(count))
}

/// What an operation fails with; nil when it does not.
func failure(_ operation: () throws -> Void) -> ArtifactError? {
    do {
        try operation()
        return nil
    } catch {
        return error as? ArtifactError
    }
}
