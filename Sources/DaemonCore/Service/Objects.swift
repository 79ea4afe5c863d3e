import ArtifactModel
import ArtifactWire
import LinuxSystem
import ObjectStore

/// Reads, lists and deletes objects for clients.
struct Objects: Sendable {
    /// The most entries of one answer: URIs of the longest keys still fit into a frame.
    private static let pageLimit = 500

    /// How long a listing or a removal may take, in nanoseconds; a download takes as long as it needs.
    private static let patience: UInt64 = 30_000_000_000

    let stores: Stores
    let dispatcher: Dispatcher
    let threads: StoreThreads

    func list(_ request: ListObjects, answer: @escaping StoreThreads.Answer) {
        threads.perform(answer, patience: Self.patience) { [stores] sessions throws(ArtifactError) in
            let (store, prefix) = try stores.place(of: request.prefix)
            let page = try sessions[store].list(
                prefix: prefix, after: request.after, limit: min(Int(request.limit), Self.pageLimit))
            let location = stores.all[store].location
            return .objects(
                ArtifactWire.Objects(
                    entries: page.entries.map {
                        .init(uri: location.uri(ofKey: $0.key), size: $0.size, modifiedAt: $0.modifiedAt, etag: $0.etag)
                    }, next: page.next))
        }
    }

    /// Writes an object's bytes to a client's file.
    func get(_ request: Get, to file: SharedDescriptor, answer: @escaping StoreThreads.Answer) {
        // A question how large the object is takes as long as a listing, at most.
        let patience = request.length == 0 ? Self.patience : nil
        threads.perform(answer, patience: patience) { [stores] sessions throws(ArtifactError) in
            try Self.checkTarget(file)
            let target = try stores.resolve(request.uri)
            return .got(try ObjectCopy.make(request, of: target, from: sessions[target.store], to: file))
        }
    }

    func delete(_ request: Delete, answer: @escaping StoreThreads.Answer) {
        threads.perform(answer, patience: Self.patience) { [stores, dispatcher] sessions throws(ArtifactError) in
            let target = try stores.resolve(request.uri)
            if let job = dispatcher.pendingJob(destination: target.uri) {
                throw ArtifactError(
                    .conflict, "job \(job) is still to write '\(target.uri.escapedForLog)'; wait for it or cancel it first")
            }
            do throws(ArtifactError) {
                guard try sessions[target.store].head(target.key) != nil else {
                    throw ArtifactError(.notFound, "there is no object '\(target.uri.escapedForLog)'")
                }
            } catch {
                // A damaged object is there all the same, and can be removed.
                guard error.code == .corruptObject else { throw error }
            }
            try sessions[target.store].delete(target.key)
            return .deleted
        }
    }

    /// A file can be written to without anybody's help; a pipe would block this thread as long as its reader likes.
    private static func checkTarget(_ file: SharedDescriptor) throws(ArtifactError) {
        let (status, mode) = try kernelCalls(orThrow: .invalidRequest, "get: the descriptor cannot be asked what it is") {
            () throws(SystemError) in (try System.status(of: file.number), try System.accessMode(of: file.number))
        }
        guard status.isRegular else {
            throw ArtifactError(.invalidRequest, "get: the descriptor is a \(status.kindName); send one of a regular file")
        }
        guard mode.canWrite else {
            throw ArtifactError(.invalidRequest, "get: the descriptor is not open for writing")
        }
    }
}
