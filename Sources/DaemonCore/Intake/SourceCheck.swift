import ArtifactModel
import Glibc
import Journal
import LinuxSystem
import Pipeline

/// What may be a source, and what is refused before anybody reads from it.
enum SourceCheck {
    /// The status of a descriptor that a client handed over.
    /// - Throws: `invalidSource` for what is not a regular file opened for reading, or lies on a file system whose files are not
    ///   plain bytes (procfs and the like) or may stall whoever reads them (FUSE).
    static func inspect(_ descriptor: Int32) throws(ArtifactError) -> FileStatus {
        let unknown = "the descriptor cannot be asked what it is"
        let (mode, status) = try kernelCalls(orThrow: .invalidSource, unknown) { () throws(SystemError) in
            (try System.accessMode(of: descriptor), try System.status(of: descriptor))
        }
        guard status.isRegular else {
            throw ArtifactError(
                .invalidSource, "the source is a \(status.kindName); only regular files and sealed memory files can be stored")
        }
        guard mode.canRead else {
            throw ArtifactError(.invalidSource, "the descriptor is not open for reading; open the file with O_RDONLY")
        }
        let fileSystem = try kernelCalls(orThrow: .invalidSource, unknown) { () throws(SystemError) in
            try System.fileSystemType(of: descriptor)
        }
        if fileSystem.isSynthetic || fileSystem == .fuse {
            throw ArtifactError(
                .invalidSource,
                "the source lies on \(fileSystem == .fuse ? "a FUSE file system" : "a synthetic file system like procfs"); "
                    + "copy it to a disk first")
        }
        if status.linkCount == 0, try isUnsealedMemory(descriptor, unknown) {
            throw ArtifactError(
                .invalidSource,
                "the source is a memory file that can still change; seal it with F_SEAL_WRITE|F_SEAL_SHRINK|F_SEAL_GROW")
        }
        return status
    }

    private static func isUnsealedMemory(_ descriptor: Int32, _ unknown: String) throws(ArtifactError) -> Bool {
        try kernelCalls(orThrow: .invalidSource, unknown) { () throws(SystemError) in
            guard try System.path(of: descriptor).hasPrefix("/memfd:") else { return false }
            return try !System.isSealed(descriptor)
        }
    }

    /// The content of a small file, which did not change while it was read.
    static func readWhole(_ descriptor: SharedDescriptor, _ fingerprint: SourceFingerprint) throws(ArtifactError) -> [UInt8] {
        let source = Source.file(descriptor, fingerprint)
        var bytes = [UInt8](repeating: 0, count: Int(fingerprint.size))
        try bytes.fill { (buffer) throws(ArtifactError) in try source.read(offset: 0, into: buffer) }
        try source.verify()
        return bytes
    }

    /// Opens the file at a path again, if it still is the one with this fingerprint.
    /// - Returns: nil when no such file lies there.
    /// - Throws: what the kernel says where it may lie there and cannot be opened: EACCES, for instance.
    static func reopen(_ path: String, as fingerprint: SourceFingerprint) throws(SystemError) -> SharedDescriptor? {
        do throws(SystemError) {
            let descriptor = SharedDescriptor(try System.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY))
            return SourceFingerprint(try System.status(of: descriptor.number)) == fingerprint ? descriptor : nil
        } catch {
            if [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(error.errno) { return nil }
            throw error
        }
    }

    /// Whether the daemon can open the file at a path again by itself, so that nothing need hold it.
    static func canReopen(_ path: String, as fingerprint: SourceFingerprint) -> Bool {
        do throws(SystemError) { return try reopen(path, as: fingerprint) != nil } catch { return false }
    }

    /// Opens the file of a job again at its path.
    /// - Throws: `sourceLost` when it is not there or the daemon may not open it; `sourceUnreadable` when the file system fails;
    ///   `localStorageFailed` when it is the daemon that lacks the means.
    static func reopen(_ job: NewJob) throws(ArtifactError) -> SharedDescriptor {
        let name = job.label.isEmpty ? "the file" : "'\(job.label.escapedForLog)'"
        let hold =
            switch job.pin {
            case .descriptor, .descriptorStore: "\(name) was held by its descriptor alone, which ended with the daemon's process"
            case .path: "\(name) was held by its path alone"
            case .inline, .link, .spool: "the daemon's own hold on \(name) is gone from the spool"
            }
        let lost = ArtifactError(
            .sourceLost, "\(hold), and no file of that fingerprint is at its path; hand it over again, or with --ack durable")
        guard let path = job.path, let fingerprint = job.fingerprint else { throw lost }
        let found: SharedDescriptor?
        do throws(SystemError) { found = try reopen(path, as: fingerprint) } catch {
            switch error.errno {
            case EACCES, EPERM:
                throw ArtifactError(
                    .sourceLost,
                    "\(hold), and the daemon's user (uid \(System.effectiveUserID())) may not open it; allow that and retry the job, "
                        + "or hand it over again with --ack durable", cause: "\(error)")
            case EMFILE, ENFILE, ENOMEM:
                throw ArtifactError(.localStorageFailed, "\(name) cannot be opened now", cause: "\(error)")
            default: throw ArtifactError(.sourceUnreadable, "\(hold), and it cannot be opened again", cause: "\(error)")
            }
        }
        guard let found else { throw lost }
        return found
    }
}
