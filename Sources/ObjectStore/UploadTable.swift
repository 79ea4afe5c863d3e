import ArtifactModel
import Glibc
import LinuxSystem
import Synchronization

/// The open multipart uploads of a directory store: files in `.artifactd/uploads`, and what is known of them in memory.
final class UploadTable: Sendable {
    static let directory = [ObjectPlace.reserved, "uploads"]
    private static let recordSuffix = ".parts"

    private let tree: DirectoryTree
    private let known = Mutex<[String: OpenUpload]>([:])

    init(tree: DirectoryTree) { self.tree = tree }

    /// Begins an upload; both its files are on stable storage when this returns.
    func create(_ object: ObjectDescription) throws -> OpenUpload {
        let id = DirectoryStore.randomName()
        let header = OpenUpload.Header(
            key: object.key.text, initiatedAt: System.wallMilliseconds(), contentType: object.contentType,
            encoding: object.encoding.description,
            metadata: Dictionary(object.metadata.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
        let record = try OpenUpload.line(header)
        guard let upload = OpenUpload(id: id, record: record) else {
            throw ArtifactError(.internalFault, "the record of upload \(id) does not decode")
        }
        let directory = try tree.open(Self.directory)
        _ = try System.open(id, in: directory.number, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        let file = try System.open(id + Self.recordSuffix, in: directory.number, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        try record.withUnsafeBytes { try System.write($0, to: file.number) }
        try System.fsync(file.number)
        try System.fsync(directory.number)
        known.withLock { $0[id] = upload }
        return upload
    }

    /// The upload of this id and key.
    /// - Throws: `noSuchUpload`.
    func find(_ id: String, key: ObjectKey) throws -> OpenUpload {
        guard let upload = try findIfAny(id), upload.header.key.utf8.elementsEqual(key.text.utf8) else {
            throw Self.noSuchUpload(id, key: key.text)
        }
        return upload
    }

    /// All uploads of this key, the oldest first.
    func all(of key: ObjectKey) throws -> [OpenUpload] {
        var names = try tree.list(Self.directory)
        var uploads: [OpenUpload] = []
        while let entry = try names.next() {
            guard let name = entry.text, name.hasSuffix(Self.recordSuffix),
                let upload = try findIfAny(String(name.dropLast(Self.recordSuffix.count))),
                upload.header.key.utf8.elementsEqual(key.text.utf8)
            else { continue }
            uploads.append(upload)
        }
        return uploads.sorted { ($0.header.initiatedAt, $0.id) < ($1.header.initiatedAt, $1.id) }
    }

    /// Writes a part's bytes at their place and lists the part.
    func write(_ body: UnsafeRawBufferPointer, as number: Int, at offset: UInt64, to upload: OpenUpload) throws -> OpenUpload.Part
    {
        let part = OpenUpload.Part(offset: offset, size: UInt64(body.count), etag: "\"\(DirectoryStore.randomName())\"")
        try begin(part.range, of: number, in: upload)
        defer {
            upload.state.withLock { state in
                if let index = state.writing.firstIndex(of: part.range) { state.writing.remove(at: index) }
            }
        }
        let directory = try tree.open(Self.directory)
        // The file is opened before the bytes are written: so this descriptor hears of every failure to put them on the disk,
        // also of one that another thread's fdatasync met first.
        let file = try open(upload, upload.id, in: directory.number, O_WRONLY)
        try System.write(body, to: file.number, at: offset)
        try System.fdatasync(file.number)
        try upload.state.withLock { state in
            guard !state.isClosed else { throw Self.noSuchUpload(upload.id, key: upload.header.key) }
            try append([OpenUpload.Entry(number: number, part: part)], to: upload)
            state.parts[number] = part
        }
        return part
    }

    /// Closes the upload and hands its data file over, cut to size and fsynced, to become the object.
    ///
    /// When `commit` fails, the upload is open again.
    func complete<Value>(
        _ upload: OpenUpload, parts: [PartReceipt],
        _ commit: (_ directory: Int32, _ name: String, FileStatus) throws -> Value
    ) throws -> Value {
        let size = try upload.state.withLock { state in
            guard !state.isClosed else { throw Self.noSuchUpload(upload.id, key: upload.header.key) }
            guard state.writing.isEmpty else {
                throw ArtifactError(.conflict, "upload \(upload.id): a part is still being written; complete it afterwards")
            }
            let size = try Self.size(of: parts, in: state, upload)
            state.isClosed = true
            return size
        }
        do {
            let directory = try tree.open(Self.directory)
            let file = try open(upload, upload.id, in: directory.number, O_WRONLY)
            try System.truncate(file.number, to: size)
            try System.fsync(file.number)
            let value = try commit(directory.number, upload.id, try System.status(of: file.number))
            try System.unlinkIfAny(upload.id + Self.recordSuffix, in: directory.number)
            known.withLock { $0[upload.id] = nil }
            return value
        } catch {
            upload.state.withLock { $0.isClosed = false }
            throw error
        }
    }

    /// Removes an upload's files; those that are not there are no error.
    func abort(_ id: String, key: ObjectKey) throws {
        guard let upload = try findIfAny(id), upload.header.key.utf8.elementsEqual(key.text.utf8) else { return }
        upload.state.withLock { $0.isClosed = true }
        let directory = try tree.open(Self.directory)
        // The record first: a data file without one is a leftover that nobody lists.
        try System.unlinkIfAny(id + Self.recordSuffix, in: directory.number)
        try System.unlinkIfAny(id, in: directory.number)
        known.withLock { $0[id] = nil }
    }

    /// Removes data files without a record, and records without a data file, that were last written before a time.
    /// - Parameter oldest: in nanoseconds since the Unix epoch.
    func removeHalves(olderThan oldest: Int64) throws {
        var names = try tree.list(Self.directory)
        while let entry = try names.next() {
            guard let name = entry.text, let status = try System.statusIfAny(of: name, in: names.descriptor), status.isRegular,
                status.modifiedNanoseconds < oldest
            else { continue }
            let isRecord = name.hasSuffix(Self.recordSuffix)
            let other = isRecord ? String(name.dropLast(Self.recordSuffix.count)) : name + Self.recordSuffix
            if try System.statusIfAny(of: other, in: names.descriptor) == nil {
                try System.unlinkIfAny(name, in: names.descriptor)
            }
        }
    }

    // MARK: - Parts of the above

    private func findIfAny(_ id: String) throws -> OpenUpload? {
        // The id comes from outside and becomes a file's name.
        guard id.utf8.count == 32, id.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
        return try known.withLock { known in
            let directory = try tree.open(Self.directory)
            guard try System.statusIfAny(of: id, in: directory.number) != nil,
                let record = try known[id] ?? load(id, from: directory.number)
            else { return nil }
            known[id] = record
            return record
        }
    }

    private func load(_ id: String, from directory: Int32) throws -> OpenUpload? {
        try System.contentsIfAny(of: id + Self.recordSuffix, in: directory).flatMap { OpenUpload(id: id, record: $0) }
    }

    /// Reserves a run of bytes for one thread, and takes every part off the list that the run touches.
    private func begin(_ range: Range<UInt64>, of number: Int, in upload: OpenUpload) throws {
        try upload.state.withLock { state in
            guard !state.isClosed else { throw Self.noSuchUpload(upload.id, key: upload.header.key) }
            guard !state.writing.contains(where: { $0.overlaps(range) }) else {
                throw ArtifactError(
                    .conflict,
                    "upload \(upload.id): bytes \(range.lowerBound) to \(range.upperBound) are being written by another call")
            }
            let touched = state.parts.filter { $0.key == number || $0.value.range.overlaps(range) }.map(\.key).sorted()
            if !touched.isEmpty {
                try append(touched.map { OpenUpload.Entry(number: $0, part: nil) }, to: upload)
                for number in touched { state.parts[number] = nil }
            }
            state.writing.append(range)
        }
    }

    private func append(_ entries: [OpenUpload.Entry], to upload: OpenUpload) throws {
        let lines = try entries.flatMap { try OpenUpload.line($0) }
        let directory = try tree.open(Self.directory)
        let file = try open(upload, upload.id + Self.recordSuffix, in: directory.number, O_WRONLY | O_APPEND)
        try lines.withUnsafeBytes { try System.write($0, to: file.number) }
        try System.fdatasync(file.number)
    }

    private func open(_ upload: OpenUpload, _ name: String, in directory: Int32, _ flags: Int32) throws -> Descriptor {
        do throws(SystemError) {
            return try System.open(name, in: directory, flags | O_NOFOLLOW)
        } catch {
            guard error.errno == ENOENT else { throw error }
            throw Self.noSuchUpload(upload.id, key: upload.header.key)
        }
    }

    /// The object's size, if these parts make a whole one.
    private static func size(of parts: [PartReceipt], in state: OpenUpload.State, _ upload: OpenUpload) throws(ArtifactError)
        -> UInt64
    {
        func refused(_ code: ArtifactError.Code, _ why: String) -> ArtifactError {
            ArtifactError(
                code, "upload \(upload.id) of '\(upload.header.key.escapedForLog)' cannot be completed: \(why)")
        }
        if parts.isEmpty { throw refused(.storeRejected, "it has no parts") }
        var size: UInt64 = 0
        for (index, receipt) in parts.enumerated() {
            guard receipt.number == index + 1 else { throw refused(.storeRejected, "part \(index + 1) is missing") }
            guard let part = state.parts[receipt.number], part.etag == receipt.etag, part.size == receipt.size else {
                throw refused(
                    .checksumMismatch, "part \(receipt.number) in the store is not the one that was sent; send it again")
            }
            guard part.offset == size else {
                throw refused(
                    .storeRejected, "part \(receipt.number) begins at \(part.offset) and the one before it ends at \(size)")
            }
            size += part.size
        }
        return size
    }

    private static func noSuchUpload(_ id: String, key: String) -> ArtifactError {
        ArtifactError(.noSuchUpload, "there is no upload '\(id.escapedForLog)' of '\(key.escapedForLog)' (any more)")
    }
}
