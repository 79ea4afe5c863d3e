import ArtifactModel
import Glibc
import LinuxSystem
import Pipeline
import Synchronization

/// The directory of pinned files: hard links to clients' files, and files of the daemon's own, which count towards a quota.
///
/// A file is named after its job. Files without a job are removed at the start.
final class Spool: Sendable {
    /// The most bytes of the daemon's own files.
    let quota: UInt64
    private let path: String
    private let directory: SharedDescriptor
    private let usage = Mutex<UInt64>(0)

    init(path: String, quota: UInt64) throws(ArtifactError) {
        self.quota = quota
        self.path = path
        do throws(SystemError) {
            _ = try System.makeDirectories(path, mode: 0o700)
            directory = SharedDescriptor(try System.open(path, O_RDONLY | O_DIRECTORY))
        } catch {
            throw ArtifactError(.localStorageFailed, "the spool '\(path.escapedForLog)' cannot be used", cause: "\(error)")
        }
    }

    // MARK: Names

    /// The name of the hard link to a client's file.
    static func linkName(of job: JobID) -> String { "\(job)" }

    /// The name of a file of the daemon's own: one that counts towards the quota.
    static func ownName(of job: JobID) -> String { "\(job).own" }

    // MARK: Quota

    /// The bytes of the daemon's own files, those promised included.
    var used: UInt64 { usage.withLock { $0 } }

    /// Sets bytes aside; false when the quota does not allow it.
    func reserve(_ bytes: UInt64) -> Bool {
        usage.withLock { used in
            let (sum, overflow) = used.addingReportingOverflow(bytes)
            guard !overflow, sum <= quota else { return false }
            used = sum
            return true
        }
    }

    /// Why the quota does not allow so many bytes.
    /// - Parameter what: for what they are needed, for instance `a copy of this file`.
    func refusal(of bytes: UInt64, for what: String) -> ArtifactError {
        if bytes > quota {
            return ArtifactError(
                .tooLarge,
                "\(what) needs \(bytes) bytes, and the spool's quota is \(quota); raise 'spool_quota' in the configuration")
        }
        return ArtifactError(
            .busy, "the spool's quota of \(quota) bytes does not hold \(what) now; try again when some jobs are done",
            retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
    }

    /// Gives bytes back that were set aside.
    func release(_ bytes: UInt64) { usage.withLock { $0 -= min($0, bytes) } }

    // MARK: Files

    /// What an error of the spool means for a person.
    /// - Parameter what: what could not be done, for instance `could not make a file`.
    func failure(_ what: String, _ error: SystemError) -> ArtifactError {
        let wayOut = isInPlace ? "see to the state directory" : "it was deleted or moved; restart artifactd, which makes it anew"
        return ArtifactError(
            .localStorageFailed, "the spool '\(path.escapedForLog)' \(what): \(wayOut)", cause: "\(error)")
    }

    /// Whether the directory that is open is the one at the path.
    private var isInPlace: Bool {
        do throws(SystemError) {
            let (held, named) = (try System.status(of: directory.number), try System.status(of: path, followLink: true))
            return held.device == named.device && held.inode == named.inode
        } catch {
            return false
        }
    }

    /// Pins a client's file by a hard link.
    /// - Throws: `EXDEV` on another file system, `EPERM` where the kernel forbids it, `ENOENT` for a file without a name, `EMLINK`.
    func link(_ descriptor: Int32, as name: String) throws(SystemError) {
        try System.link(descriptor, as: name, in: directory.number)
    }

    /// Opens a pinned file for reading.
    func open(_ name: String) throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(try System.open(name, in: directory.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
    }

    /// Removes a pinned file; one that is not there is no error.
    func remove(_ name: String) throws(SystemError) {
        do throws(SystemError) { try System.unlink(name, in: directory.number) } catch {
            if error.errno != ENOENT { throw error }
        }
    }

    /// A new file without a name: one descriptor to write to and to give away, one to read from and to keep.
    func makeFile() throws(SystemError) -> (writer: SharedDescriptor, reader: SharedDescriptor) {
        let writer = SharedDescriptor(try System.openTemporary(in: directory.number))
        return (writer, SharedDescriptor(try System.reopen(writer.number, O_RDONLY)))
    }

    /// Makes a nameless file durable under a name: its bytes, then the name.
    func commit(_ file: Int32, as name: String) throws(SystemError) {
        try System.fsync(file)
        try System.link(file, as: name, in: directory.number)
        try System.fsync(directory.number)
    }

    /// Copies a file into one of the daemon's own, durable when this returns; shares the blocks where the file system can.
    /// - Parameter progress: told after each piece of some 64 MiB that is on stable storage; nil to copy in one piece.
    /// - Throws: `sourceChanged` or `sourceUnreadable` for the source, `localStorageFailed` for the spool.
    func copy(
        _ descriptor: SharedDescriptor, _ fingerprint: SourceFingerprint, as name: String, progress: (() -> Void)? = nil
    ) throws(ArtifactError) -> (SharedDescriptor, SourceFingerprint) {
        let source = Source.file(descriptor, fingerprint)
        source.waitUntilWritesShow()
        try source.verify()
        let file = try keeping { () throws(SystemError) in SharedDescriptor(try System.openTemporary(in: directory.number)) }
        let copied = try keeping { () throws(SystemError) in
            try Self.fill(file.number, from: descriptor.number, size: fingerprint.size, progress)
        }
        // A short copy means a source that shrank, which this says better.
        try source.verify()
        guard copied == fingerprint.size else {
            throw ArtifactError(
                .sourceChanged,
                "the source changed after it had been handed over: it ended at byte \(copied) of \(fingerprint.size); hand it over again when "
                    + "it is complete")
        }
        return try keeping { () throws(SystemError) in
            try commit(file.number, as: name)
            let reader = SharedDescriptor(try System.reopen(file.number, O_RDONLY))
            return (reader, SourceFingerprint(try System.status(of: reader.number)))
        }
    }

    /// What the kernel says where it cannot share blocks, or copy by itself, between these two file systems.
    private static let notBetweenThese = [EOPNOTSUPP, EXDEV, EINVAL, ENOTTY, ENOSYS]

    /// How much is copied between two reports of progress, in bytes.
    private static let piece: UInt64 = 64 << 20

    /// Shares the blocks, else copies; returns the bytes that the source had.
    private static func fill(
        _ target: Int32, from source: Int32, size: UInt64, _ progress: (() -> Void)?
    ) throws(SystemError) -> UInt64 {
        do throws(SystemError) {
            try System.clone(source, to: target)
            return try System.status(of: target).size
        } catch {
            guard notBetweenThese.contains(error.errno) else { throw error }
        }
        var copied: UInt64 = 0
        while copied < size {
            let wanted = progress == nil ? size - copied : min(size - copied, piece)
            let count = try copy(wanted, from: source, to: target, at: copied)
            copied += count
            if count < wanted { break }
            if let progress {
                try System.fsync(target)
                progress()
            }
        }
        return copied
    }

    /// Lets the kernel copy, else copies through memory, which works between any two file systems.
    private static func copy(
        _ count: UInt64, from source: Int32, to target: Int32, at offset: UInt64
    ) throws(SystemError) -> UInt64 {
        do throws(SystemError) { return try System.copy(count, from: source, at: offset, to: target, at: offset) } catch {
            guard notBetweenThese.contains(error.errno) else { throw error }
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(min(count, 1 << 20)), alignment: 16)
        defer { buffer.deallocate() }
        var copied: UInt64 = 0
        while copied < count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(min(count - copied, UInt64(buffer.count)))))
            let read = try System.read(source, into: room, at: offset + copied)
            if read == 0 { break }
            try System.write(UnsafeRawBufferPointer(rebasing: room.prefix(read)), to: target, at: offset + copied)
            copied += UInt64(read)
        }
        return copied
    }

    private func keeping<Result>(_ body: () throws(SystemError) -> Result) throws(ArtifactError) -> Result {
        do throws(SystemError) { return try body() } catch {
            throw failure("could not keep a copy of the file", error)
        }
    }

    /// Removes everything that is held for a job, and gives its part of the quota back.
    func removeAll(of job: JobID) throws(SystemError) {
        try remove(Self.linkName(of: job))
        let own = Self.ownName(of: job)
        do throws(SystemError) {
            let size = try System.status(of: own, in: directory.number).size
            try System.unlink(own, in: directory.number)
            release(size)
        } catch {
            if error.errno != ENOENT { throw error }
        }
    }

    /// Whether there is a file of that name.
    func holds(_ name: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try System.status(of: name, in: directory.number)
            return true
        } catch {
            if error.errno == ENOENT { return false }
            throw error
        }
    }

    /// Takes stock at the start: removes the files that belong to no job, and counts the daemon's own.
    /// - Returns: how many were removed.
    func takeStock(keeping names: Set<String>) throws(SystemError) -> Int {
        var listing = try DirectoryListing(".", in: directory.number)
        var orphans: [String] = []
        while let entry = try listing.next() {
            guard let name = entry.text else { continue }
            if !names.contains(name) {
                orphans.append(name)
            } else if name.hasSuffix(".own") {
                let size = try System.status(of: name, in: directory.number).size
                usage.withLock { $0 += size }
            }
        }
        for name in orphans { try remove(name) }
        return orphans.count
    }
}
