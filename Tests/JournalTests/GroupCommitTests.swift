import ArtifactModel
import GRDB
import Synchronization
import Testing
import WorkerPool

@testable import Journal

@Suite struct GroupCommitTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Counts the commits of a connection.
    private final class CommitCounter: TransactionObserver, Sendable {
        let commits = Atomic(0)

        func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
        func databaseDidChange(with event: DatabaseEvent) {}
        func databaseDidCommit(_ db: Database) { commits.add(1, ordering: .relaxed) }
        func databaseDidRollback(_ db: Database) {}
    }

    /// Holds the writer's thread until it is opened: what is submitted meanwhile arrives together.
    private final class Gate: Sendable {
        private let isOpen = Monitor(false)
        private let isReached = Monitor(false)

        /// Submits an entry whose answer waits for the gate, and returns once the writer stands there.
        init(_ journal: Journal) {
            journal.submit(.uploadReset(0)) { [isOpen, isReached] _ in
                isReached.withLock { $0 = true }
                isReached.signal()
                isOpen.wait { $0 ? () : nil }
            }
            isReached.wait { $0 ? () : nil }
        }

        func open() {
            isOpen.withLock { $0 = true }
            isOpen.signal()
        }
    }

    /// Collects answers until there are as many as expected.
    private final class Answers<Value: Sendable>: Sendable {
        private let values = Monitor<[Value]>([])

        func add(_ value: Value) {
            values.withLock { $0.append(value) }
            values.signal()
        }

        func wait(for count: Int) -> [Value] { values.wait { $0.count >= count ? $0 : nil } }
    }

    /// Hand-overs and changes that arrive while a commit is under way share the next one, and are answered in their order.
    @Test func sharedCommit() throws {
        try scratch.withJournal { journal throws in
            let counter = CommitCounter()
            journal.database.add(transactionObserver: counter, extent: .databaseLifetime)
            let gate = Gate(journal)
            let before = counter.commits.load(ordering: .relaxed)
            let answers = Answers<Int64>()
            for index in 0..<100 {
                journal.accept(.sample("\(index)")) { result in
                    if case .success(.accepted(let sequence, _, _)) = result { answers.add(sequence) }
                }
            }
            journal.submit(.began(50, encoding: .gzip, at: 20)) { result in answers.add(result == .success(true) ? -1 : -2) }
            gate.open()
            #expect(answers.wait(for: 101) == Array(1...100) + [-1])
            #expect(counter.commits.load(ordering: .relaxed) - before == 1)
        }
    }

    /// When an answer is given, the commit is done: another reader of the file finds the job.
    @Test func answeredAfterCommit() throws {
        try scratch.withJournal { journal throws in
            let job = NewJob.sample()
            let path = "\(scratch.path)/journal.sqlite"
            let found = Answers<Result<Int?, any Error>>()
            journal.accept(job) { _ in
                found.add(
                    Result {
                        let reader = try DatabaseQueue(path: path)
                        return try reader.inDatabase { db in
                            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM jobs WHERE id = ?", arguments: [job.id.bytes.blob])
                        }
                    })
            }
            #expect(try found.wait(for: 1)[0].get() == 1)
        }
    }

    /// Many threads at once lose nothing: each thread's answers come in its order, every sequence is another, and the counters
    /// agree with what was done.
    @Test func manyThreads() throws {
        let (threads, jobs) = (8, 250)
        try scratch.withJournal { journal throws in
            let failures = Mutex<[String]>([])
            let all = Mutex<[Int64]>([])
            let workers = try (0..<threads).map { thread in
                try OwnedThread(name: "hammer") {
                    let answers = Answers<(Int, Int64)>()
                    for index in 0..<jobs {
                        let bytes: [UInt8]? = index % 10 == 0 ? [UInt8](repeating: 1, count: 3) : nil
                        journal.accept(
                            .sample("\(thread)-\(index)", key: [UInt8(thread), UInt8(index)], size: 3, inlineBytes: bytes)
                        ) {
                            result in
                            if case .success(.accepted(let sequence, _, _)) = result { answers.add((index, sequence)) }
                        }
                    }
                    let accepted = answers.wait(for: jobs)
                    do {
                        for (_, sequence) in accepted {
                            guard try journal.apply(.began(sequence, encoding: .identity, at: 20)),
                                try sequence % 2 == 0 || journal.apply(.stored(sequence, .sample, at: 30))
                            else { throw ArtifactError(.internalFault, "job \(sequence) could not be moved") }
                        }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                    if accepted.map(\.0) != Array(0..<jobs) { failures.withLock { $0.append("thread \(thread): out of order") } }
                    all.withLock { $0 += accepted.map(\.1) }
                }
            }
            for worker in workers { worker.join() }
            #expect(failures.withLock { $0 } == [])
            let sequences = all.withLock { $0 }
            #expect(sequences.sorted() == (1...Int64(threads * jobs)).map { $0 })
            let counts = try journal.counts().sorted { $0.state.rawValue < $1.state.rawValue }
            #expect(counts.map(\.state) == [.uploading, .stored])
            #expect(counts.allSatisfy { $0.jobs == 1000 && $0.bytes == 3000 })
        }
    }

    /// Closing answers all that waits first, and what comes later is refused as something that a restart cures.
    @Test func close() throws {
        let journal = try Journal.open(directory: scratch.path, now: { 0 })
        let gate = Gate(journal)
        let answers = Answers<Result<Acceptance, ArtifactError>>()
        for index in 0..<10 { journal.accept(.sample("\(index)")) { answers.add($0) } }
        gate.open()
        try journal.close()
        let sequences = try answers.wait(for: 10).map { answer in
            guard case .accepted(let sequence, _, _) = try answer.get() else {
                throw ArtifactError(.internalFault, "\(answer) is no new job")
            }
            return sequence
        }
        #expect(sequences == Array(1...10))
        #expect(try #require(throws: ArtifactError.self) { try journal.accept(.sample()) }.code == .shuttingDown)
        #expect(try #require(throws: ArtifactError.self) { try journal.apply(.uploadReset(1)) }.code == .shuttingDown)
    }
}
