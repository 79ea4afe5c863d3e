import ArtifactModel
import Glibc
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
    /// - Returns: nil when it is not, or cannot be opened.
    static func reopen(_ path: String, as fingerprint: SourceFingerprint) -> SharedDescriptor? {
        do throws(SystemError) {
            let descriptor = SharedDescriptor(try System.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY))
            return SourceFingerprint(try System.status(of: descriptor.number)) == fingerprint ? descriptor : nil
        } catch {
            return nil
        }
    }
}
