import ArtifactModel
import Testing

@testable import DaemonCore

@Suite struct JobQueueTests {
    private func entry(
        _ sequence: Int64, to destination: String? = nil, tenant: String = "t", holds: JobQueue.Holds = []
    ) -> JobQueue.Entry {
        JobQueue.Entry(
            sequence: sequence, id: JobID(high: 0, low: UInt64(sequence)), tenant: tenant,
            destination: destination ?? "d\(sequence)", size: 1, level: .accepted, acceptedAt: sequence, holds: holds)
    }

    private let error = ArtifactError(.storeUnavailable, "scripted")

    /// Jobs of one destination run one after the other in the order of acceptance, in whatever order they are inserted.
    @Test func oneDestinationIsALine() {
        var queue = JobQueue()
        for sequence in [3, 1, 2] as [Int64] { queue.insert(entry(sequence, to: "same")) }
        #expect(queue.pending(destination: "same") == [1, 2, 3])
        for expected in [1, 2, 3] as [Int64] {
            #expect(queue.next(now: 0)?.sequence == expected)
            #expect(queue.next(now: 0) == nil)
            queue.remove(expected)
        }
        #expect(queue.isEmpty)
        #expect(queue.hasNext(now: 0) == false)
    }

    /// Tenants take turns, whoever has more.
    @Test func tenantsTakeTurns() {
        var queue = JobQueue()
        for sequence in 1...4 { queue.insert(entry(Int64(sequence), tenant: "many")) }
        queue.insert(entry(5, tenant: "few"))
        queue.insert(entry(6, tenant: "few"))
        let order = (0..<6).compactMap { _ in queue.next(now: 0)?.sequence }
        #expect(order == [1, 5, 2, 6, 3, 4])
    }

    /// A job that was put back is the next one, though other tenants wait too.
    @Test func putBackIsNext() {
        var queue = JobQueue()
        for (sequence, tenant) in [(1, "a"), (2, "a"), (3, "b"), (4, "c")] {
            queue.insert(entry(Int64(sequence), tenant: tenant))
        }
        #expect(queue.next(now: 0)?.sequence == 1)
        queue.putBack(1)
        #expect(queue.next(now: 0)?.sequence == 1)
        #expect(queue.next(now: 0)?.sequence == 2 || queue.entries[3]?.standing == .taken)
    }

    /// A parked job comes back at its time, and counts how often it was put off.
    @Test func parkedJobsWake() {
        var queue = JobQueue()
        queue.insert(entry(1))
        #expect(queue.next(now: 0)?.sequence == 1)
        queue.park(1, until: 100, because: error)
        #expect(queue.nextWake == 100)
        #expect(queue.next(now: 99) == nil)
        let woken = queue.next(now: 100)
        #expect(woken?.sequence == 1)
        #expect(woken?.delays == 1)
        #expect(woken?.lastError == error)
        #expect(queue.nextWake == nil)
    }

    /// A parked job keeps those behind it waiting.
    @Test func aParkedJobKeepsItsPlace() {
        var queue = JobQueue()
        queue.insert(entry(1, to: "same"))
        queue.insert(entry(2, to: "same"))
        _ = queue.next(now: 0)
        queue.park(1, until: 100, because: error)
        #expect(queue.next(now: 50) == nil)
        #expect(queue.next(now: 100)?.sequence == 1)
    }

    /// A held job runs when it is released, and keeps those behind it waiting until then.
    @Test func heldJobsWait() {
        var queue = JobQueue()
        queue.insert(entry(1, to: "same", holds: .copying))
        queue.insert(entry(2, to: "same"))
        #expect(queue.next(now: 0) == nil)
        queue.release(1, .copying)
        #expect(queue.next(now: 0)?.sequence == 1)
        queue.hold(1, .copying)
        #expect(queue.entries[1]?.standing == .taken)
        queue.remove(1)
        #expect(queue.next(now: 0)?.sequence == 2)
    }

    /// A job that is held while it is parked does not wake, and runs when released.
    @Test func holdingAParkedJob() {
        var queue = JobQueue()
        queue.insert(entry(1))
        _ = queue.next(now: 0)
        queue.park(1, until: 10, because: error)
        queue.hold(1, .copying)
        #expect(queue.next(now: 20) == nil)
        queue.release(1, .copying)
        #expect(queue.next(now: 20)?.sequence == 1)
    }

    /// A job runs only when no reason is left to hold it, in whatever order they end.
    @Test func everyHoldCounts() {
        var queue = JobQueue()
        queue.insert(entry(1, holds: [.copying, .unplaced]))
        queue.hold(1, .steered)
        for hold in [JobQueue.Holds.copying, .unplaced] {
            queue.release(1, hold)
            #expect(queue.next(now: 0) == nil)
        }
        queue.release(1, .steered)
        #expect(queue.next(now: 0)?.sequence == 1)
    }

    /// A job whose destination is decided joins the line of that destination, in the order of acceptance.
    @Test func placedJobsJoinTheLine() {
        var queue = JobQueue()
        queue.insert(entry(1, to: "provisional", holds: .unplaced))
        queue.insert(entry(2, to: "final"))
        queue.insert(entry(3, to: "provisional", holds: .unplaced))
        queue.place(1, at: "final")
        queue.place(3, at: "final")
        // What has no place to wait for goes where it went.
        queue.place(2, at: "elsewhere")
        #expect(queue.pending(destination: "final") == [1, 2, 3])
        #expect(queue.pending(destination: "provisional") == [])
        for expected in [1, 2, 3] as [Int64] {
            #expect(queue.next(now: 0)?.sequence == expected)
            #expect(queue.next(now: 0) == nil)
            queue.remove(expected)
        }
    }

    /// Whatever is done in whatever order: never two jobs of one destination at once, never a later one before an earlier one, and
    /// in the end all have run.
    @Test(arguments: 0..<40)
    func anyOrderOfOperations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = JobQueue()
        var inserted: Int64 = 0
        var taken: Set<Int64> = []
        var finished: [String: [Int64]] = [:]
        var now: UInt64 = 0
        func check() {
            for (destination, sequences) in Dictionary(grouping: taken, by: { queue.entries[$0]?.destination ?? "" }) {
                #expect(sequences.count == 1, "\(sequences) run at once for \(destination)")
                #expect(queue.pending(destination: destination).first == sequences.first)
            }
        }
        func step(_ kind: Int) {
            now += 1
            switch kind {
            case 0...3 where inserted < 300:
                inserted += 1
                let holds: JobQueue.Holds = Int.random(in: 0..<6, using: &random) == 0 ? .copying : []
                queue.insert(
                    entry(
                        inserted, to: "d\(Int.random(in: 0..<20, using: &random))",
                        tenant: "t\(Int.random(in: 0..<4, using: &random))", holds: holds))
            case 4...6:
                if let entry = queue.next(now: now) {
                    let (isNew, _) = taken.insert(entry.sequence)
                    #expect(isNew)
                }
            case 7:
                if let sequence = taken.randomElement(using: &random) {
                    queue.park(sequence, until: now + .random(in: 0..<20, using: &random), because: error)
                    taken.remove(sequence)
                }
            case 8:
                if let sequence = taken.randomElement(using: &random) {
                    queue.putBack(sequence)
                    taken.remove(sequence)
                    #expect(queue.next(now: now)?.sequence == sequence)
                    taken.insert(sequence)
                }
            case 9:
                if let sequence = queue.entries.keys.sorted().randomElement(using: &random) {
                    if Bool.random(using: &random) {
                        queue.hold(sequence, .steered)
                    } else {
                        queue.release(sequence, [.copying, .steered])
                    }
                }
            default:
                if let sequence = taken.randomElement(using: &random), let entry = queue.remove(sequence) {
                    taken.remove(sequence)
                    finished[entry.destination, default: []].append(sequence)
                }
            }
            check()
        }
        for _ in 0..<3000 { step(Int.random(in: 0..<12, using: &random)) }
        for sequence in queue.entries.keys { queue.release(sequence, [.copying, .steered, .unplaced]) }
        for _ in 0..<10_000 where !queue.isEmpty { step(Bool.random(using: &random) ? 4 : 10) }
        #expect(queue.isEmpty)
        #expect(queue.nextWake == nil || queue.next(now: .max) == nil)
        #expect(finished.values.reduce(0) { $0 + $1.count } == Int(inserted))
        for (_, order) in finished { #expect(order == order.sorted()) }
    }
}
