import ArtifactModel
import LinuxSystem

/// One thread's way to a directory store. Keeps nothing between the calls.
final class DirectorySession: ObjectStoreSession {
    private let store: DirectoryStore

    init(_ store: DirectoryStore) { self.store = store }

    func integrity() throws(ArtifactError) -> Integrity { .filesystem }

    func put(_ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?) throws(ArtifactError) -> StoredObject {
        try store.perform("store '\(object.key.text.escapedForLog)'") {
            let place = try ObjectPlace(object.key)
            try requireLength(UInt64(body.count), of: check, object.key)
            try store.requireFree(place)
            return try store.withTemporaryFile(holding: body) { directory, name, status in
                try store.commit(object, at: place, file: name, in: directory, status, checksum: check?.labelled)
            }
        }
    }

    func putIfAbsent(
        _ object: ObjectDescription, body: UnsafeRawBufferPointer, check: CRC?
    ) throws(ArtifactError) -> StoredObject? {
        try object.requirePlain()
        return try store.perform("store '\(object.key.text.escapedForLog)'") {
            let place = try ObjectPlace(object.key)
            try requireLength(UInt64(body.count), of: check, object.key)
            try store.requireFree(place)
            return try store.withTemporaryFile(holding: body) { directory, name, status in
                try store.commitIfAbsent(object, at: place, file: name, in: directory, status, checksum: check?.labelled)
            }
        }
    }

    func createUpload(_ object: ObjectDescription) throws(ArtifactError) -> String {
        try store.perform("begin the upload of '\(object.key.text.escapedForLog)'") {
            try store.requireFree(try ObjectPlace(object.key))
            return try store.uploads.create(object).id
        }
    }

    func uploadPart(_ part: PartDescription, body: UnsafeRawBufferPointer) throws(ArtifactError) -> PartReceipt {
        try store.perform("store part \(part.number) of '\(part.key.text.escapedForLog)'") {
            guard (1...store.limits.maximumParts).contains(part.number), body.count <= store.limits.maximumPartSize,
                part.offset <= Int64.max - Int64(store.limits.maximumPartSize)
            else {
                throw ArtifactError(
                    .storeRejected,
                    "part \(part.number) of '\(part.key.text.escapedForLog)', \(body.count) bytes at \(part.offset), is beyond what the "
                        + "directory store takes")
            }
            try requireLength(UInt64(body.count), of: part.check, part.key)
            let upload = try store.uploads.find(part.uploadID, key: part.key)
            let written = try store.uploads.write(body, as: part.number, at: part.offset, to: upload)
            return PartReceipt(number: part.number, size: written.size, etag: written.etag, check: part.check)
        }
    }

    func listParts(key: ObjectKey, uploadID: String) throws(ArtifactError) -> [ListedPart] {
        try store.perform("list the parts of '\(key.text.escapedForLog)'") {
            try store.uploads.find(uploadID, key: key).state.withLock { $0.parts }
                .sorted { $0.key < $1.key }
                .map { ListedPart(number: $0.key, size: $0.value.size, etag: $0.value.etag) }
        }
    }

    func completeUpload(
        key: ObjectKey, uploadID: String, parts: [PartReceipt], check: CRC?
    ) throws(ArtifactError) -> StoredObject {
        try store.perform("complete '\(key.text.escapedForLog)'") {
            let place = try ObjectPlace(key)
            let upload = try store.uploads.find(uploadID, key: key)
            let object = try upload.description(for: key)
            try requireLength(parts.reduce(0) { $0 + $1.size }, of: check, key)
            return try store.uploads.complete(upload, parts: parts) { directory, name, status in
                try store.commit(object, at: place, file: name, in: directory, status, checksum: check?.labelled)
            }
        }
    }

    func abortUpload(key: ObjectKey, uploadID: String) throws(ArtifactError) {
        try store.perform("abort the upload of '\(key.text.escapedForLog)'") {
            try store.uploads.abort(uploadID, key: key)
        }
    }

    func listUploads(key: ObjectKey) throws(ArtifactError) -> [ListedUpload] {
        try store.perform("list the uploads of '\(key.text.escapedForLog)'") {
            try store.uploads.all(of: key).map { ListedUpload(id: $0.id, initiatedAt: $0.header.initiatedAt) }
        }
    }

    func head(_ key: ObjectKey) throws(ArtifactError) -> ObjectInfo? {
        try store.perform("look at '\(key.text.escapedForLog)'") {
            try store.openObject(at: try ObjectPlace(key))?.info
        }
    }

    func list(prefix: String, after: String?, limit: Int) throws(ArtifactError) -> ListPage {
        try store.perform("list '\(prefix.escapedForLog)'") {
            var lister = ObjectLister(prefix: prefix, after: after, limit: min(max(limit, 1), 1_000))
            try lister.visit(store.tree)
            return ListPage(entries: lister.entries, next: lister.hasMore ? lister.entries.last?.key : nil)
        }
    }

    func get(
        _ key: ObjectKey, range: Range<UInt64>?, receive: (ObjectInfo, UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        try store.perform("read '\(key.text.escapedForLog)'") {
            guard let object = try store.openObject(at: try ObjectPlace(key)) else {
                throw ArtifactError(.notFound, "there is no object '\(store.location.uri(ofKey: key.text).escapedForLog)'")
            }
            try receive(object.info, UnsafeRawBufferPointer(start: nil, count: 0))
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
            defer { buffer.deallocate() }
            var offset = range?.lowerBound ?? 0
            let end = min(range?.upperBound ?? object.info.size, object.info.size)
            while offset < end {
                let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(end - offset, UInt64(buffer.count)))])
                let count = try System.read(object.file.number, into: wanted, at: offset)
                guard count == wanted.count else {
                    throw ArtifactError(
                        .storeUnavailable,
                        "'\(key.text.escapedForLog)' became shorter while it was read: somebody writes to the file itself; read it again"
                    )
                }
                try receive(object.info, UnsafeRawBufferPointer(wanted))
                offset += UInt64(count)
            }
        }
    }

    func delete(_ key: ObjectKey) throws(ArtifactError) {
        try store.perform("remove '\(key.text.escapedForLog)'") {
            try store.removeObject(at: try ObjectPlace(key))
        }
    }

    /// The store does not compute checks, but a length that differs shows for nothing that something is amiss.
    private func requireLength(_ length: UInt64, of check: CRC?, _ key: ObjectKey) throws(ArtifactError) {
        guard let check, check.length != length else { return }
        throw ArtifactError(
            .checksumMismatch,
            "'\(key.text.escapedForLog)': the check is of \(check.length) bytes, and \(length) came to be stored")
    }
}

extension CRC {
    /// The check as `algorithm:base64`.
    fileprivate var labelled: String { "\(algorithm):\(base64)" }
}
