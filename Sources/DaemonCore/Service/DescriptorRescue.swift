import ArtifactModel
import Journal
import LinuxSystem
import Logging

/// Copies into the spool, at a stop, what descriptors alone hold: they end with the process.
///
/// Those in systemd's store do too, for all that the process can know: it keeps them when the unit is restarted, gives them up
/// when it is stopped (before version 254, and later on without `FileDescriptorStorePreserve=`), and does not say which of the two
/// is going on. A copy that was not needed costs time, a missing one the artifact. What the daemon can open again by itself is left.
///
/// The spool's quota does not count here: what was accepted must outlive the stop.
struct DescriptorRescue {
    let journal: Journal
    let spool: Spool
    let pins: PinTable
    let log: Logger
    /// Told before each file, and while one is copied: the stop takes longer, and goes on.
    let stillAtIt: () -> Void

    private struct Endangered {
        var sequence: Int64
        var id: JobID
        var descriptor: SharedDescriptor
        var fingerprint: SourceFingerprint
    }

    /// Copies, the small ones first: where the room or the time does not do for all, it does for most.
    func run() {
        var files: [Endangered] = []
        for (id, descriptor) in pins.all {
            attempt(id) { () throws(ArtifactError) in
                if let file = try endangered(id, descriptor) { files.append(file) }
            }
        }
        guard !files.isEmpty else { return }
        log.notice(
            "files that descriptors alone hold are copied into the spool",
            metadata: ["jobs": "\(files.count)", "bytes": "\(files.reduce(0) { $0 + $1.fingerprint.size })"])
        for file in files.sorted(by: { $0.fingerprint.size < $1.fingerprint.size }) {
            attempt(file.id) { () throws(ArtifactError) in try keep(file) }
        }
    }

    private func endangered(_ id: JobID, _ descriptor: SharedDescriptor) throws(ArtifactError) -> Endangered? {
        guard let held = try journal.holdingJob(id), let fingerprint = held.job.fingerprint,
            held.job.pin == .descriptor || held.job.pin == .descriptorStore
        else { return nil }
        if let path = held.job.path, SourceCheck.canReopen(path, as: fingerprint) { return nil }
        return Endangered(sequence: held.sequence, id: id, descriptor: descriptor, fingerprint: fingerprint)
    }

    private func keep(_ file: Endangered) throws(ArtifactError) {
        stillAtIt()
        let name = Spool.ownName(of: file.id)
        let (_, copy) = try spool.copy(file.descriptor, file.fingerprint, as: name, progress: stillAtIt)
        let isKept = try journal.apply(.pinned(file.sequence, .spool, spoolName: name, fingerprint: copy, level: .durable))
        try kernelCalls(orThrow: .localStorageFailed, "the hold on the file could not be moved to its copy") {
            () throws(SystemError) in
            // A worker that was still at it may have stored the job meanwhile.
            if !isKept { try spool.remove(name) }
            try pins.release(file.id)
        }
    }

    private func attempt(_ id: JobID, _ body: () throws(ArtifactError) -> Void) {
        do throws(ArtifactError) { try body() } catch {
            log.error(
                "a file that a descriptor alone holds could not be kept", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }
}
