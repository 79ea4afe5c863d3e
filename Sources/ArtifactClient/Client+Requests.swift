public import ArtifactModel
public import ArtifactWire

/// One request, one answer: each waits for its answer, and throws `failure` when the daemon refuses.
extension Client {
    /// A page of job records.
    public func jobs(_ request: ListJobs) throws(ClientError) -> Jobs {
        guard case .jobs(let jobs) = try call(.listJobs(request)) else { throw Self.confused }
        return jobs
    }

    /// The record of one job.
    /// - Throws: `notFound` when there is none, or none that the caller may see.
    public func job(_ id: JobID) throws(ClientError) -> JobRecord {
        guard let record = try jobs(ListJobs(ids: [id], limit: 1)).records.first else {
            throw .failure(ArtifactError(.notFound, "there is no job \(id)"))
        }
        return record
    }

    /// How much longer than a wait's own timeout the daemon may take to say that the time is up.
    public static let waitGrace = Duration.seconds(5)

    /// Waits for jobs.
    /// - Throws: `failure` with `timeout` when the daemon does not even say that the request's time is up.
    public func wait(_ request: Wait) throws(ClientError) -> Waited {
        guard case .waited(let waited) = try call(.wait(request), timeout: Self.patience(of: request.timeout)) else {
            throw Self.confused
        }
        return waited
    }

    /// How long the answer to a wait may take.
    /// - Parameter timeout: the request's own, in milliseconds; nil for without end.
    static func patience(of timeout: UInt64?) -> Duration? {
        timeout.map { .milliseconds(Int64(clamping: $0)) + waitGrace }
    }

    /// Gives a job up; returns the state in which it is now.
    public func cancel(_ id: JobID) throws(ClientError) -> JobState {
        guard case .cancelled(let cancelled) = try call(.cancel(Cancel(id: id))) else { throw Self.confused }
        return cancelled.state
    }

    /// Puts failed jobs back into the queue: the ones named, or with none all of the caller's.
    public func retry(_ ids: [JobID]) throws(ClientError) -> Retried {
        guard case .retried(let retried) = try call(.retry(Retry(ids: ids))) else { throw Self.confused }
        return retried
    }

    /// The status document: a `StatusReport` in JSON.
    public func status() throws(ClientError) -> String {
        guard case .statusReport(let text) = try call(.status) else { throw Self.confused }
        return text.json
    }

    /// A page of the objects in the store.
    public func objects(_ request: ListObjects) throws(ClientError) -> Objects {
        guard case .objects(let objects) = try call(.listObjects(request)) else { throw Self.confused }
        return objects
    }

    /// Has the daemon write an object's decoded bytes to a descriptor, and waits until all are written.
    public func get(_ uri: String, to descriptor: Int32) throws(ClientError) -> Got {
        try get(Get(uri: uri), to: descriptor)
    }

    /// Has the daemon write an object's bytes, or some of them, to a descriptor, and waits until all are written.
    /// - Throws: `conflict` for a part of the decoded bytes of an object that is encoded; `unsupportedMessage` where the daemon has
    ///   no `Features.ranges` and they are needed.
    public func get(_ request: Get, to descriptor: Int32) throws(ClientError) -> Got {
        if request.needsRanges, !welcome.features.contains(.ranges) {
            throw .failure(
                ArtifactError(
                    .unsupportedMessage,
                    "\(welcome.server) reads whole objects alone, and decodes them; upgrade it, or read the whole"))
        }
        guard case .got(let got) = try call(.get(request), descriptor: descriptor) else { throw Self.confused }
        return got
    }

    /// Removes an object.
    /// - Throws: `notFound` when there is none; `conflict` while a job is to write it.
    public func delete(_ uri: String) throws(ClientError) {
        guard case .deleted = try call(.delete(Delete(uri: uri))) else { throw Self.confused }
    }

    /// Cannot be reached: an answer of another kind than the request's ends the connection before.
    static var confused: ClientError {
        .failure(ArtifactError(.internalFault, "an answer of the wrong kind was let through"))
    }
}
