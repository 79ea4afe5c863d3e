import ArtifactModel
import LinuxSystem
import Pipeline
import WorkerPool

/// Which work a worker gets next.
extension Dispatcher {
    /// The next work for a worker, who waits for it; nil when the daemon is stopping.
    func next() -> Work? {
        monitor.waitTimed { (state) -> Turn<Work?> in
            if state.isStopping { return .done(nil) }
            let now = System.monotonicNanoseconds()
            guard state.busyWorkers < state.concurrency.current else { return .wait(until: nil) }
            if let work = pick(&state, now: now) {
                state.busyWorkers += 1
                // Each worker that finds work wakes one more where there is more, or where somebody must watch the clock instead
                // of this one: nobody wakes all for one job.
                if state.busyWorkers < state.concurrency.current,
                    hasMore(&state, now: now) || wakeTime(&state, now: now) != nil
                {
                    monitor.signal()
                }
                return .done(work)
            }
            return .wait(until: wakeTime(&state, now: now))
        }
    }

    /// The most uploads that wait for the journal: with a disk that stands still no more are begun.
    private static let settlingLimit = 1024

    /// Whether one more upload may begin.
    private func hasRoom(_ state: State) -> Bool {
        state.active.count < configuration.workers && state.settling.count < Self.settlingLimit
    }

    private func hasMore(_ state: inout State, now: UInt64) -> Bool {
        (hasRoom(state) && state.queue.hasNext(now: now)) || !state.aborts.isEmpty
            || state.active.contains(where: \.hasWork)
    }

    /// A worker that will be busy for a while has made room for others, in an upload's window.
    func madeRoom() { monitor.signal() }

    /// A worker has done its work, and comes for more: it needs nobody's signal, and passes on what it finds.
    /// - Parameter bytes: how many it sent, where it sent any and the store took them.
    func done(reserved: Int, bytes: UInt64?) {
        let now = System.monotonicNanoseconds()
        if reserved > 0 { buffers.release(reserved) }
        monitor.withLock { state in
            if let bytes { state.concurrency.completed(bytes: bytes, busy: state.busyWorkers, now: now) }
            state.busyWorkers -= 1
            if state.isStopping { monitor.broadcast() }
        }
    }

    /// A compressing upload gives its memory back.
    func releaseWindow(_ bytes: Int) {
        guard bytes > 0 else { return }
        buffers.release(bytes)
        monitor.withLock { $0.windows -= bytes }
    }

    private func pick(_ state: inout State, now: UInt64) -> Work? {
        if let thirsty = state.thirsty {
            // Cancelled, ended or put off meanwhile: it does not wait for memory any more.
            switch state.queue.entries[thirsty]?.standing {
            case .ready, .taken: break
            default: state.thirsty = nil
            }
        }
        state.prefersNew.toggle()
        if state.prefersNew {
            return pickNew(&state, now: now) ?? pickActive(&state, now: now) ?? pickAbort(&state, now: now)
        }
        return pickActive(&state, now: now) ?? pickNew(&state, now: now) ?? pickAbort(&state, now: now)
    }

    private func pickNew(_ state: inout State, now: UInt64) -> Work? {
        guard hasRoom(state) else { return nil }
        if let thirsty = state.thirsty, state.queue.entries[thirsty]?.standing == .taken { return nil }
        if state.health.allSatisfy({ $0.blocked(now: now) != nil }) { return nil }
        while let entry = state.queue.next(now: now) {
            let target: Stores.Target
            do throws(ArtifactError) { target = try stores.resolve(entry.destination) } catch {
                // The configuration no longer allows where this job was to go. It waits, and says why, until it does again.
                state.queue.park(entry.sequence, until: now + 60_000_000_000, because: error)
                state.note(error, job: entry.id, now: System.wallMilliseconds())
                continue
            }
            if let blocked = state.health[target.store].blocked(now: now) {
                let until = min(blocked, now + 1_000_000_000)
                let trouble = state.health[target.store].trouble?.error
                state.queue.park(
                    entry.sequence, until: until, because: trouble ?? ArtifactError(.storeUnavailable, "the store is down"))
                if state.thirsty == entry.sequence { state.thirsty = nil }
                continue
            }
            // What it is compressed with stands in the journal; the most that a small object can need is soon told.
            let reserved = sizing.isSingle(entry.size) ? sizing.single(.gzip, size: Int(entry.size)) : 0
            // Small reservations would slip in before a large one for ever: it is next, and it is its tenant's and the queue's first.
            guard state.thirsty == nil || state.thirsty == entry.sequence, buffers.tryReserve(reserved) else {
                state.queue.putBack(entry.sequence)
                if state.thirsty == nil { state.thirsty = entry.sequence }
                return nil
            }
            state.thirsty = nil
            let upload = Upload(entry, target)
            state.active.append(upload)
            state.counters.move(from: .accepted, to: .uploading, bytes: entry.size, of: entry.tenant)
            state.health[target.store].began()
            return .begin(upload, reserved: reserved)
        }
        return nil
    }

    private func pickActive(_ state: inout State, now: UInt64) -> Work? {
        let count = state.active.count
        for step in 0..<count {
            let index = (state.turn + step) % count
            let upload = state.active[index]
            if upload.enterToSettle() { return .settle(upload) }
            if let thirsty = state.thirsty, thirsty != upload.sequence, upload.heldWindow == 0 { continue }
            if state.health[upload.store].blocked(now: now) != nil {
                if state.thirsty == upload.sequence { state.thirsty = nil }
                continue
            }
            var windows = state.windows
            let claim = upload.claim(from: buffers) { window in
                guard windows + window <= sizing.windowsLimit(window), buffers.tryReserve(window) else { return false }
                windows += window
                return true
            }
            state.windows = windows
            switch claim {
            case .chunk(let chunk, let reserved):
                state.turn = (index + 1) % count
                if state.thirsty == upload.sequence { state.thirsty = nil }
                state.health[upload.store].began()
                return .chunk(upload, chunk, reserved: reserved)
            case .noMemory:
                // A window waits for the one before it, of which there is an end; a part waits for whatever is in the way.
                if state.windows == 0 || upload.prepared?.window == 0 { state.thirsty = upload.sequence }
            case .nothing:
                if state.thirsty == upload.sequence { state.thirsty = nil }
            }
        }
        return nil
    }

    private func pickAbort(_ state: inout State, now: UInt64) -> Work? {
        guard let index = state.aborts.firstIndex(where: { $0.notBefore <= now }) else { return nil }
        return .abort(state.aborts.remove(at: index).upload)
    }

    /// When there may be work without anybody's signal.
    private func wakeTime(_ state: inout State, now: UInt64) -> UInt64? {
        let blocks = state.health.compactMap { $0.blocked(now: now) }.filter { $0 != .max }
        let times = [state.queue.nextWake, blocks.min(), state.aborts.map(\.notBefore).min()].compactMap { $0 }
        // What is due already and yet not picked waits for a worker to leave, who signals.
        return times.filter { $0 > now }.min()
    }
}
