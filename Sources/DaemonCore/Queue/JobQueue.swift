import ArtifactModel
import DequeModule
import HeapModule

/// The jobs that are not final yet, and which of them runs next. No I/O, no clock, no lock: the dispatcher holds it under its own.
///
/// Of the jobs for one destination only the earliest accepted one can run, so they complete in the order of acceptance. Tenants
/// take turns; within a tenant the order of acceptance holds.
struct JobQueue {
    /// Where a pending job stands.
    enum Standing: Equatable {
        /// Not to be run yet, for the reasons in `holds`.
        case held
        /// An earlier job of the same destination is not final yet.
        case behind
        /// Can be run.
        case ready
        /// Not before this time, in monotonic nanoseconds.
        case parked(until: UInt64)
        /// With a worker.
        case taken
    }

    /// What keeps a job from running until it is told otherwise.
    struct Holds: OptionSet {
        let rawValue: UInt8
        /// Its bytes are being made durable.
        static let copying = Holds(rawValue: 1)
        /// Somebody is cancelling it.
        static let steered = Holds(rawValue: 2)
        /// Where it goes is not decided: the store has not confirmed its experiment.
        static let unplaced = Holds(rawValue: 4)
    }

    /// A pending job, as far as the queue needs to know it; the rest stands in the journal.
    struct Entry {
        var sequence: Int64
        var id: JobID
        var tenant: String
        var destination: String
        var size: UInt64
        var level: AcknowledgementLevel
        var acceptedAt: Int64
        /// The experiment that it belongs to; nil for a job that is no run's.
        var experiment: String?
        var holds: Holds = []
        var standing: Standing = .ready
        /// Why it waits, where something went wrong.
        var lastError: ArtifactError?
        /// How often it was put off in a row.
        var delays: Int = 0
    }

    private(set) var entries: [Int64: Entry] = [:]
    private var sequences: [JobID: Int64] = [:]
    /// The pending jobs of each destination, in the order of acceptance. One alone is the rule: it needs no array.
    private var lines: [String: Line] = [:]
    private var ready: [String: Deque<Int64>] = [:]
    private var turns: Deque<String> = []
    private var parked = Heap<Parked>()

    private enum Line {
        case one(Int64)
        case many([Int64])

        var all: [Int64] {
            switch self {
            case .one(let sequence): [sequence]
            case .many(let sequences): sequences
            }
        }
        init(_ all: [Int64]) {
            if let only = all.first, all.count == 1 { self = .one(only) } else { self = .many(all) }
        }
    }

    private struct Parked: Comparable {
        var until: UInt64
        var sequence: Int64
        static func < (left: Parked, right: Parked) -> Bool { (left.until, left.sequence) < (right.until, right.sequence) }
    }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// When the oldest pending job was accepted, in Unix milliseconds.
    var oldestAcceptedAt: Int64? { entries.values.lazy.map(\.acceptedAt).min() }

    /// A job by its id; nil when it is not pending.
    func entry(_ id: JobID) -> Entry? { sequences[id].flatMap { entries[$0] } }

    /// The pending jobs of a destination, in the order of acceptance.
    func pending(destination: String) -> [Int64] { lines[destination]?.all ?? [] }

    /// Takes a job in. Jobs of one destination may come in any order: they are lined up by sequence.
    mutating func insert(_ new: Entry) {
        var entry = new
        var line = lines[entry.destination]?.all ?? []
        let index = line.firstIndex { $0 > entry.sequence } ?? line.endIndex
        line.insert(entry.sequence, at: index)
        lines[entry.destination] = Line(line)
        if !entry.holds.isEmpty { entry.standing = .held }
        if index > 0, entry.standing == .ready { entry.standing = .behind }
        entries[entry.sequence] = entry
        sequences[entry.id] = entry.sequence
        if entry.standing == .ready { enqueue(entry.sequence, entry.tenant) }
        // A later job that was ready has to wait from now on. One that a worker has cannot be called back: callers do not
        // insert before one that is taken.
        if index == 0, line.count > 1, let next = entries[line[1]], next.standing == .ready {
            withdraw(next)
            entries[next.sequence]?.standing = .behind
        }
    }

    /// Takes one reason away why a job is held. It can run when that was the last.
    mutating func release(_ sequence: Int64, _ hold: Holds) {
        guard let entry = entries[sequence], entry.standing == .held else { return }
        entries[sequence]?.holds.subtract(hold)
        if entries[sequence]?.holds.isEmpty == true { settle(entry) }
    }

    /// Keeps a job from running until it is released.
    mutating func hold(_ sequence: Int64, _ hold: Holds) {
        guard let entry = entries[sequence], entry.standing != .taken else { return }
        if entry.standing == .ready { withdraw(entry) }
        entries[sequence]?.standing = .held
        entries[sequence]?.holds.formUnion(hold)
    }

    /// Decides where an unplaced job goes.
    mutating func place(_ sequence: Int64, at destination: String) {
        guard var entry = entries[sequence], entry.holds.contains(.unplaced) else { return }
        entry.lastError = nil
        if entry.destination != destination {
            remove(sequence)
            entry.destination = destination
            insert(entry)
        } else {
            entries[sequence] = entry
        }
        release(sequence, .unplaced)
    }

    /// The next job to run, which is taken with it; nil when there is none now.
    mutating func next(now: UInt64) -> Entry? {
        wake(now: now)
        guard let tenant = turns.popFirst(), let sequence = ready[tenant]?.popFirst() else { return nil }
        if ready[tenant]?.isEmpty == true { ready[tenant] = nil } else { turns.append(tenant) }
        entries[sequence]?.standing = .taken
        return entries[sequence]
    }

    /// Whether `next` would find one.
    mutating func hasNext(now: UInt64) -> Bool {
        wake(now: now)
        return !turns.isEmpty
    }

    /// Puts a job back that was taken and not begun: it is the first of its tenant again, and its tenant's turn is the next.
    mutating func putBack(_ sequence: Int64) {
        guard let entry = entries[sequence], entry.standing == .taken else { return }
        entries[sequence]?.standing = .ready
        if ready[entry.tenant] != nil { turns.removeAll { $0 == entry.tenant } }
        turns.prepend(entry.tenant)
        ready[entry.tenant, default: []].prepend(sequence)
    }

    /// Puts a job off that was taken.
    mutating func park(_ sequence: Int64, until: UInt64, because error: ArtifactError) {
        guard let entry = entries[sequence], entry.standing == .taken else { return }
        entries[sequence]?.standing = .parked(until: until)
        entries[sequence]?.lastError = error
        entries[sequence]?.delays = entry.delays + 1
        parked.insert(Parked(until: until, sequence: sequence))
    }

    /// Forgets a job that has become final. The next one of its destination can run then.
    /// - Returns: what it was; nil when it was not pending.
    @discardableResult
    mutating func remove(_ sequence: Int64) -> Entry? {
        guard let entry = entries.removeValue(forKey: sequence) else { return nil }
        if entry.standing == .ready { withdraw(entry) }
        sequences[entry.id] = nil
        var line = lines[entry.destination]?.all ?? []
        line.removeAll { $0 == sequence }
        guard let first = line.first else {
            lines[entry.destination] = nil
            return entry
        }
        lines[entry.destination] = Line(line)
        if let next = entries[first], next.standing == .behind { settle(next) }
        return entry
    }

    mutating func update(_ sequence: Int64, _ change: (inout Entry) -> Void) {
        guard var entry = entries[sequence] else { return }
        change(&entry)
        entries[sequence] = entry
    }

    /// When a parked job comes back, in monotonic nanoseconds; nil when none is parked.
    var nextWake: UInt64? { parked.min?.until }

    private mutating func wake(now: UInt64) {
        while let first = parked.min, first.until <= now {
            parked.removeMin()
            guard let entry = entries[first.sequence], entry.standing == .parked(until: first.until) else { continue }
            settle(entry)
        }
    }

    private mutating func settle(_ entry: Entry) {
        let isFirst = lines[entry.destination]?.all.first == entry.sequence
        entries[entry.sequence]?.standing = isFirst ? .ready : .behind
        if isFirst { enqueue(entry.sequence, entry.tenant) }
    }

    private mutating func enqueue(_ sequence: Int64, _ tenant: String) {
        if ready[tenant] == nil { turns.append(tenant) }
        ready[tenant, default: []].append(sequence)
    }

    private mutating func withdraw(_ entry: Entry) {
        ready[entry.tenant]?.removeAll { $0 == entry.sequence }
        if ready[entry.tenant]?.isEmpty == true {
            ready[entry.tenant] = nil
            turns.removeAll { $0 == entry.tenant }
        }
    }
}
