public import ArtifactModel
public import LinuxSystem

/// Where a job's bytes come from.
public enum Source: Sendable {
    /// A file that belongs to somebody else and may change under our hands, with what it was when it was handed over.
    ///
    /// It is read with `pread`, never mapped: a mapped file that is truncated kills the reader.
    case file(SharedDescriptor, SourceFingerprint)
    /// Bytes in memory.
    case bytes([UInt8])

    /// The size in bytes, as it was at the hand-over.
    public var size: UInt64 {
        switch self {
        case .file(_, let fingerprint): fingerprint.size
        case .bytes(let bytes): UInt64(bytes.count)
        }
    }

    /// Fills the buffer with the bytes from `offset` on.
    /// - Throws: `sourceChanged` when the source ends before the buffer is full; `sourceUnreadable` when reading fails.
    public func read(offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(ArtifactError) {
        switch self {
        case .file(let descriptor, let fingerprint):
            let count: Int
            do {
                count = try System.read(descriptor.number, into: buffer, at: offset)
            } catch {
                throw ArtifactError(
                    .sourceUnreadable, "reading \(buffer.count) bytes of the source at byte \(offset) failed",
                    cause: error.description)
            }
            if count < buffer.count { throw Self.ended(at: offset + UInt64(count), insteadOf: fingerprint.size) }
        case .bytes(let bytes):
            guard offset <= UInt64(bytes.count), buffer.count <= bytes.count - Int(offset) else {
                throw Self.ended(at: size, insteadOf: offset + UInt64(buffer.count))
            }
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(offset)...].prefix(buffer.count)))
            }
        }
    }

    /// Waits, for a tick of the clock at the most, until a write to the file must show in its modification time.
    ///
    /// To be called before the first byte is read: a write between two reads, in the same tick as the last write before the
    /// hand-over, would not be noticed.
    public func waitUntilWritesShow() {
        if case .file(_, let fingerprint) = self { FileClock.waitPast(fingerprint.modifiedNanoseconds) }
    }

    /// Makes sure that the file is still what was handed over. Bytes in memory always are.
    ///
    /// A writer through a shared mapping moves no timestamp and is not noticed.
    /// - Throws: `sourceChanged`, saying what changed; `sourceUnreadable` when the file cannot be asked.
    public func verify() throws(ArtifactError) {
        guard case .file(let descriptor, let before) = self else { return }
        let now: SourceFingerprint
        do {
            now = SourceFingerprint(try System.status(of: descriptor.number))
        } catch {
            throw ArtifactError(.sourceUnreadable, "the source cannot be asked for its status", cause: error.description)
        }
        if now == before { return }
        let change =
            if (now.device, now.inode) != (before.device, before.inode) {
                "it is another file now"
            } else if now.size != before.size {
                "its size went from \(before.size) to \(now.size) bytes"
            } else {
                "it was written to, as its modification time says"
            }
        throw Self.changed(change)
    }

    private static func ended(at position: UInt64, insteadOf size: UInt64) -> ArtifactError {
        changed("it ends at byte \(position) instead of \(size)")
    }

    private static func changed(_ how: String) -> ArtifactError {
        ArtifactError(
            .sourceChanged,
            "the source changed after it had been handed over: \(how); hand it over again when it is complete, and write to it no more "
                + "before the answer is DURABLE or the job is stored"
        )
    }
}
