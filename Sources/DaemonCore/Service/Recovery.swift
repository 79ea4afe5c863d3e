import ArtifactModel
import Journal
import LinuxSystem
import Logging

/// Goes on, at the start, with what the journal holds: each pending job gets its pin back, or fails with the reason.
struct Recovery {
    let journal: Journal
    let spool: Spool
    let pins: PinTable
    let descriptorStore: DescriptorStore?
    let dispatcher: Dispatcher
    let log: Logger

    private static let page = 1000

    /// - Parameter passed: the descriptors that systemd's store gave back, by job.
    func run(passed: [JobID: SharedDescriptor]) throws(ArtifactError) {
        try adopt(passed)
        var resumed = 0
        var lost = 0
        var after: Int64 = 0
        while true {
            let jobs = try journal.pending(after: after, limit: Self.page)
            for job in jobs {
                if try restorePin(job) {
                    dispatcher.resume(job)
                    resumed += 1
                } else {
                    lost += 1
                }
            }
            guard let last = jobs.last, jobs.count == Self.page else { break }
            after = last.sequence
        }
        dispatcher.abort(try journal.uploadsToAbort())
        if resumed + lost > 0 {
            log.notice("jobs of an earlier run go on", metadata: ["jobs": "\(resumed)", "lost": "\(lost)"])
        }
        let names = try journal.spoolNames()
        let orphans = try kernelCalls(orThrow: .localStorageFailed, "the spool cannot be read") { () throws(SystemError) in
            try spool.takeStock(keeping: names)
        }
        if orphans > 0 { log.info("spool files without a job were removed", metadata: ["files": "\(orphans)"]) }
    }

    private func adopt(_ passed: [JobID: SharedDescriptor]) throws(ArtifactError) {
        descriptorStore?.count(passed.count)
        for (id, descriptor) in passed {
            pins.adopt(descriptor, for: id)
            let state = try journal.record(id)?.state
            if state == nil || state == .stored || state == .cancelled { release(id) }
        }
    }

    private func release(_ id: JobID) {
        do throws(SystemError) { try pins.release(id) } catch {
            log.warning("a descriptor could not be given up", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }

    /// Makes sure that the job's bytes can be reached.
    /// - Returns: false when they cannot, and the job has failed for it.
    private func restorePin(_ pending: PendingJob) throws(ArtifactError) -> Bool {
        let job = pending.job
        switch job.pin {
        case .inline, .path: return true
        case .link, .spool:
            let isThere = try kernelCalls(orThrow: .localStorageFailed, "the spool cannot be read") { () throws(SystemError) in
                guard let name = job.spoolName else { return false }
                return try spool.holds(name)
            }
            if isThere { return true }
        case .descriptor, .descriptorStore:
            if pins.descriptor(of: job.id) != nil { return true }
        }
        let file: SharedDescriptor
        do throws(ArtifactError) { file = try SourceCheck.reopen(job) } catch {
            if error.code == .localStorageFailed { throw error }
            log.error(
                "a source is lost", metadata: ["job": "\(job.id)", "destination": "\(job.destination)", "error": "\(error)"])
            _ = try journal.apply(.failed(pending.sequence, error, at: System.wallMilliseconds()))
            dispatcher.countLost(job, error)
            return false
        }
        return try repin(pending, file)
    }

    /// Holds a file again that was found at its path.
    private func repin(_ pending: PendingJob, _ file: SharedDescriptor) throws(ArtifactError) -> Bool {
        let job = pending.job
        var pin = Pin.path
        var name: String?
        try kernelCalls(orThrow: .localStorageFailed, "the hold on job \(job.id) cannot be restored") { () throws(SystemError) in
            do throws(SystemError) {
                try spool.link(file.number, as: Spool.linkName(of: job.id))
                pin = .link
                name = Spool.linkName(of: job.id)
            } catch {
                // As at the hand-over: where it cannot be linked, its descriptor holds it.
                pin = try pins.pin(file, for: job.id) ?? .path
            }
        }
        return try journal.apply(
            .pinned(pending.sequence, pin, spoolName: name, fingerprint: job.fingerprint, level: .accepted))
    }
}
