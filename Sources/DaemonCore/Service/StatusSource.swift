import ArtifactModel
import ArtifactWire
import FoundationEssentials
import Journal
import LinuxSystem
import Logfmt
import ObjectStore
import S3
import Synchronization

/// Puts the status report together.
final class StatusSource: Sendable {
    private let configuration: Configuration
    private let stores: Stores
    private let journal: Journal
    private let spool: Spool
    private let pins: PinTable
    private let dispatcher: Dispatcher
    private let integrity: FoundIntegrity
    private let setAside: [String]
    private let startedAt = System.monotonicNanoseconds()
    private let connections = Atomic<Int>(0)

    init(
        configuration: Configuration, stores: Stores, journal: Journal, spool: Spool, pins: PinTable, dispatcher: Dispatcher,
        integrity: FoundIntegrity, setAside: [String]
    ) {
        self.configuration = configuration
        self.stores = stores
        self.journal = journal
        self.spool = spool
        self.pins = pins
        self.dispatcher = dispatcher
        self.integrity = integrity
        self.setAside = setAside
    }

    /// How many connections there are.
    func count(connections number: Int) { connections.store(number, ordering: .relaxed) }

    /// The report in JSON; of the jobs in flight those that the peer may see.
    func report(for peer: Peer) throws(ArtifactError) -> StatusText {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return StatusText(json: String(decoding: try encoder.encode(report(for: peer)), as: UTF8.self))
        } catch {
            throw ArtifactError(.internalFault, "the status report cannot be written", cause: "\(error)")
        }
    }

    private func report(for peer: Peer) -> StatusReport {
        let now = System.monotonicNanoseconds()
        let errors = dispatcher.errors.named
        let journalSize = journal.size
        var (report, tenants) = dispatcher.snapshot { state in
            let counters = state.counters.all
            let rate = state.meter.rate(now: now)
            let done = state.active.reduce(UInt64(0)) { $0 + $1.bytesDone }
            let inFlight = state.active.filter { peer.mayAct(for: $0.tenant) }.map { upload in
                let done = upload.bytesDone
                return StatusReport.InFlight(
                    id: "\(upload.id)", destination: upload.destination, size: upload.size, bytesDone: done,
                    etaSeconds: rate > 0 && done > 0 ? Double(upload.size - min(done, upload.size)) / rate : nil)
            }
            let pending = counters[.accepted].bytes + counters[.uploading].bytes
            let report = StatusReport(
                daemon: StatusReport.Daemon(
                    version: artifactdVersion, pid: System.processID(), uptimeSeconds: Double(now - startedAt) / 1e9,
                    store: stores.location.description, integrity: integrity.text(for: stores.location),
                    journal: journalCondition, storeCondition: Self.condition(state.health[0])),
                queue: StatusReport.Queue(
                    jobs: .init(counters, \.jobs), bytes: .init(counters, \.bytes), bytesPending: pending - min(done, pending),
                    limit: UInt64(configuration.queueJobs), oldestAcceptedAt: state.queue.oldestAcceptedAt),
                tenants: [],
                workers: StatusReport.Workers(
                    active: state.busyWorkers, limit: configuration.workers, allowed: state.concurrency.current),
                buffers: StatusReport.Bounded(used: UInt64(dispatcher.buffers.used), limit: UInt64(dispatcher.buffers.limit)),
                spool: StatusReport.Bounded(used: spool.used, limit: spool.quota),
                descriptors: StatusReport.Bounded(used: UInt64(pins.count), limit: UInt64(pins.limit)),
                connections: StatusReport.Bounded(
                    used: UInt64(connections.load(ordering: .relaxed)), limit: UInt64(configuration.connections)),
                throughput: StatusReport.Throughput(
                    bytesPerSecond: rate, bytesRead: state.bytesRead, bytesSent: state.bytesSent,
                    retries: dispatcher.retries.value, bytesAccepted: state.bytesAccepted),
                latencies: StatusReport.Latencies(handOver: state.handOvers, part: state.parts),
                journal: StatusReport.JournalFile(bytes: journalSize), errors: errors,
                lastError: state.lastFailure.map {
                    StatusReport.Failure(
                        code: "\($0.error.code)", message: "\($0.error)", since: $0.since, job: $0.job.map { "\($0)" })
                }, inFlight: inFlight)
            return (report, state.counters.tenants)
        }
        // There may be many: they are sorted out where nobody waits for it.
        report.tenants = TenantList.make(tenants, for: peer)
        return report
    }

    private var journalCondition: String {
        let condition = journal.condition.text
        if setAside.isEmpty { return condition }
        return "\(condition); set aside at an earlier start, with jobs that are lost: \(setAside.joined(separator: ", ")); "
            + "see what is in it, delete it and restart"
    }

    private static func condition(_ health: StoreHealth) -> String {
        guard let trouble = health.trouble else { return "ok" }
        return "\(trouble.error.code) since \(Timestamp.iso8601(milliseconds: trouble.since)): \(trouble.error.message)"
    }
}

/// What stores were found to verify: remembered in the journal across restarts, and shown in status.
final class FoundIntegrity: IntegrityMemory {
    private let journal: Journal
    private let found = Mutex<Integrity?>(nil)

    init(journal: Journal) { self.journal = journal }

    func recall(_ place: String) throws(ArtifactError) -> Integrity? {
        guard let name = try journal.recall(endpoint: place), let integrity = Integrity(rawValue: name) else { return nil }
        found.withLock { $0 = integrity }
        return integrity
    }

    func remember(_ integrity: Integrity, of place: String) throws(ArtifactError) {
        try journal.remember(endpoint: place, integrity: integrity.rawValue)
        found.withLock { $0 = integrity }
    }

    /// What to say in status.
    func text(for location: StoreLocation) -> String {
        if case .directory = location { return Integrity.filesystem.rawValue }
        return found.withLock { $0?.rawValue } ?? "unknown"
    }
}
