import ArtifactModel
import Journal
import LinuxSystem
import ObjectStore
import Pipeline
import TestSupport
import Testing
import WorkerPool

@testable import DaemonCore

/// The dispatcher without workers: the test is the worker, and takes one turn at a time.
@Suite struct DispatcherTests {
    private let log = LogRecorder()

    private func makeDispatcher(
        stores: [any ObjectStore] = [MemoryStore()], buffers: Int = 64 << 20, backoff: Backoff = Backoff(base: 1, cap: 1)
    ) -> Dispatcher {
        var configuration = Configuration(socket: "/s", state: "/d", store: .s3(bucket: "memory", prefix: ""))
        configuration.buffers = buffers
        configuration.partSize = 8 << 20
        return Dispatcher(
            configuration: configuration, stores: Stores(stores), counters: JobCounters(atStart: []), cores: 16,
            retries: RetryCounter(), log: log.logger, backoff: backoff)
    }

    private func accept(
        _ sequence: Int64, size: UInt64 = 10, to key: String? = nil, tenant: String = "default", in dispatcher: Dispatcher
    ) throws {
        let job = NewJob(
            id: JobID(high: 1, low: UInt64(sequence)), uid: 0, gid: 0, tenant: tenant,
            destination: "s3://memory/\(key ?? "k\(sequence)")", label: "", size: size, level: .accepted, pin: .inline,
            compression: .none, changePolicy: .fail, kind: .other, contentType: "", acceptedAt: 0)
        try dispatcher.reserve(bytes: size)
        dispatcher.accepted(job, sequence: sequence, holds: [], arrivedAt: System.monotonicNanoseconds())
    }

    private func begin(_ dispatcher: Dispatcher) throws -> (Upload, Int) {
        guard case .begin(let upload, let reserved) = try #require(dispatcher.next()) else {
            throw SupportError("no new upload is begun")
        }
        return (upload, reserved)
    }

    /// What a worker does when it has begun an upload in parts.
    private func prepare(_ upload: Upload, size: UInt64, part: UInt64 = 8 << 20, window: Int = 0, in dispatcher: Dispatcher)
        throws
    {
        let encoding: ContentEncoding = window > 0 ? .zstd : .identity
        let plan = try UploadPlan(
            size: size, encoding: encoding, partTarget: part, chunkSize: window > 0 ? 1 << 20 : part, minimumPartSize: 5 << 20)
        let prepared = Upload.Prepared(
            source: .bytes([]), encoding: encoding, uploadID: "u", partCapacity: Int(part), window: window)
        #expect(upload.prepare(prepared, plan: plan, done: []) == nil)
        #expect(upload.leave() == nil)
        dispatcher.done(reserved: 0, bytes: 0)
    }

    /// The registrar is woken when a store is well again, whoever found that out.
    @Test(arguments: [false, true])
    func theRegistrarIsRung(isUpload: Bool) {
        let dispatcher = makeDispatcher()
        #expect(dispatcher.bell.wait(earliest: 0, deadline: nil))
        let down = ArtifactError(.storeUnavailable, "scripted")
        for _ in 0..<3 { dispatcher.storeFailedAside(0, down, isWriting: true, since: 0) }
        if isUpload { dispatcher.storeAnswered(0) } else { dispatcher.storeAnsweredAside(0, isWriting: true) }
        let inVain = System.monotonicNanoseconds() + 60_000_000_000
        #expect(dispatcher.bell.wait(earliest: 0, deadline: inVain))
        #expect(System.monotonicNanoseconds() < inVain)
    }

    /// An upload that is cancelled while no worker is on it is given to a worker to settle, once.
    @Test func anIdleUploadIsSettled() throws {
        let dispatcher = makeDispatcher()
        try accept(1, size: 100 << 20, in: dispatcher)
        let (upload, _) = try begin(dispatcher)
        try prepare(upload, size: 100 << 20, in: dispatcher)
        #expect(dispatcher.withdraw(1) == .ending)
        guard case .settle(let settled) = try #require(dispatcher.next()) else { throw SupportError("nothing is settled") }
        #expect(settled === upload)
        guard case .cancelled = try #require(upload.leave()) else { throw SupportError("not cancelled") }
        dispatcher.done(reserved: 0, bytes: nil)
        // Nothing else comes of it.
        try accept(2, in: dispatcher)
        #expect(try begin(dispatcher).0.sequence == 2)
        dispatcher.finished(1, .cancelled)
        #expect(dispatcher.snapshot { $0.counters[.cancelled].jobs } == 1)
        #expect(dispatcher.snapshot { $0.counters[.uploading].jobs } == 1)
    }

    /// A job that waits for memory and is cancelled does not keep it from the others.
    @Test func aCancelledJobWaitsForNothing() throws {
        let dispatcher = makeDispatcher(buffers: 32 << 20)
        let first = dispatcher.buffers.tryReserve(30 << 20)
        #expect(first)
        try accept(1, size: 8 << 20, in: dispatcher)
        try accept(2, size: 10, in: dispatcher)
        // With nobody to give memory back a worker would wait: it is the other thread here.
        let taken = Promise<Int64?>()
        let worker = try OwnedThread(name: "worker") {
            if case .begin(let upload, _) = dispatcher.next() { taken.keep(upload.sequence) } else { taken.keep(nil) }
        }
        defer { worker.join() }
        #expect(dispatcher.withdraw(1) == .withdrawn)
        dispatcher.finished(1, .cancelled)
        #expect(try taken.wait() == 2)
    }

    /// A part that waits for memory does not stop the upload that holds it in a window: only its end frees the window.
    @Test func aWindowGoesOnWhileAPartWaits() throws {
        let dispatcher = makeDispatcher(buffers: 32 << 20)
        try accept(1, size: 100 << 20, in: dispatcher)
        try accept(2, size: 100 << 20, in: dispatcher)
        let (compressing, _) = try begin(dispatcher)
        let (plain, _) = try begin(dispatcher)
        try prepare(compressing, size: 100 << 20, part: 5 << 20, window: 27 << 20, in: dispatcher)
        // The window is taken with the first chunk.
        guard case .chunk(let one, _, 0) = try #require(dispatcher.next()) else { throw SupportError("no chunk") }
        #expect(one === compressing)
        try prepare(plain, size: 100 << 20, part: 8 << 20, in: dispatcher)
        for _ in 0..<2 {
            // Each turn finds that the other's part does not fit.
            guard case .chunk(let next, _, 0) = try #require(dispatcher.next()) else { throw SupportError("no chunk") }
            #expect(next === compressing)
        }
    }

    /// A new job that needs much memory is served before later ones that need little, else it would wait for ever.
    @Test func aLargeNewJobIsNotOvertaken() throws {
        let dispatcher = makeDispatcher(buffers: 32 << 20)
        #expect(dispatcher.buffers.tryReserve(25 << 20))
        try accept(1, size: 8 << 20, tenant: "a", in: dispatcher)
        for sequence in 2...9 { try accept(Int64(sequence), size: 10, tenant: sequence % 2 == 0 ? "a" : "b", in: dispatcher) }
        let order = Promise<[Int64]>()
        let worker = try OwnedThread(name: "worker") {
            var taken: [Int64] = []
            while taken.count < 9, case .begin(let upload, _) = dispatcher.next() { taken.append(upload.sequence) }
            order.keep(taken)
        }
        defer { worker.join() }
        // Nothing fits until this is given back; the signal is what a worker's return stands for.
        dispatcher.buffers.release(25 << 20)
        dispatcher.release(0, .copying)
        let taken = try order.wait()
        #expect(taken.sorted() == Array(1...9))
        #expect(taken.prefix(2).contains(1))
    }

    /// A worker that takes work leaves another to watch the clock: a job that is put off comes back in time though the one that
    /// saw it put off is busy.
    @Test func somebodyWatchesTheClock() throws {
        let dispatcher = makeDispatcher(backoff: Backoff(base: 1_000_000, cap: 1_000_000))
        let came = Monitor<[Int64]>([])
        let threads = try WorkerThreads(count: 3, name: "worker") { _ in
            // Each takes one piece of work and never comes back.
            if case .begin(let upload, _) = dispatcher.next() {
                came.withLock { $0.append(upload.sequence) }
                came.broadcast()
            }
        }
        let (early, late) = (System.monotonicNanoseconds() + 20_000_000, System.monotonicNanoseconds() + 60_000_000)
        for sequence in [1, 2] as [Int64] { try accept(sequence, in: dispatcher) }
        let begun = came.wait { $0.count == 2 ? $0 : nil }
        #expect(begun.sorted() == [1, 2])
        let uploads = dispatcher.snapshot { $0.active }
        for (upload, until) in zip(uploads, [late, early]) {
            upload.end(.waiting(ArtifactError(.storeUnavailable, "scripted")))
            _ = upload.leave()
            _ = dispatcher.putOff(upload, because: ArtifactError(.storeUnavailable, "scripted"), until: until)
        }
        let again = came.wait { $0.count == 3 ? $0 : nil }
        #expect(again.last == uploads[1].sequence)
        dispatcher.stop()
        threads.join()
    }

    /// The room that a refused or failed hand-over had is given back.
    @Test func reservationsAreGivenBack() throws {
        let dispatcher = makeDispatcher()
        try dispatcher.reserve(bytes: 5)
        dispatcher.cancelReservation(bytes: 5)
        try accept(1, in: dispatcher)
        #expect(dispatcher.snapshot { $0.reserved } == StateCounters.Count())
        dispatcher.stop()
        #expect(failure { try dispatcher.reserve(bytes: 1) }?.code == .shuttingDown)
        #expect(dispatcher.next() == nil)
    }

    /// A wait is answered once, though its time is up while it is looked up how jobs ended.
    @Test func aWaitIsAnsweredOnce() throws {
        let dispatcher = makeDispatcher()
        let promise = Promise<Result<Waiters.Outcome, ArtifactError>>()
        let lookUp = { (_: [JobID]) throws(ArtifactError) -> Waiters.Failures in
            _ = dispatcher.expire(now: 11)
            throw ArtifactError(.notFound, "no such job")
        }
        dispatcher.wait(for: [JobID(high: 0, low: 0)], level: .stored, deadline: 10, lookUp: lookUp) { promise.keep($0) }
        #expect(try promise.wait().get() == Waiters.Outcome(pending: 0, failed: 0, error: nil))
        #expect(promise.count == 1)
    }
}
