import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import ObjectStore
import Synchronization

/// What the daemon does about each request. Each is answered exactly once, on whatever thread.
final class RequestHandler: Sendable {
    let configuration: Configuration
    private let policy: PeerPolicy
    private let journal: Journal
    private let spool: Spool
    private let stores: Stores
    private let intake: Intake
    private let dispatcher: Dispatcher
    private let engine: UploadEngine
    private let objects: Objects
    private let registry: Registry
    private let status: StatusSource
    /// Cancels and retries take turns: each looks at a job's state and acts on what it saw.
    private let steering = Mutex(())

    init(
        configuration: Configuration, policy: PeerPolicy, journal: Journal, spool: Spool, stores: Stores, intake: Intake,
        dispatcher: Dispatcher, engine: UploadEngine, objects: Objects, registry: Registry, status: StatusSource
    ) {
        self.configuration = configuration
        self.policy = policy
        self.journal = journal
        self.spool = spool
        self.stores = stores
        self.intake = intake
        self.dispatcher = dispatcher
        self.engine = engine
        self.objects = objects
        self.registry = registry
        self.status = status
    }

    /// Counts what requests are answered with.
    var errors: ErrorCounter { dispatcher.errors }

    typealias Answer = @Sendable (Result<Message, ArtifactError>) -> Void

    /// Who the client is from here on.
    func welcome(_ hello: Hello, _ credentials: PeerCredentials) throws(ArtifactError) -> (Peer, Welcome) {
        guard hello.versions.contains(Hello.version) else {
            throw ArtifactError(
                .unsupportedVersion,
                "the client speaks versions \(hello.versions.lowerBound) to \(hello.versions.upperBound) of the protocol, this daemon "
                    + "speaks \(Hello.version); install matching versions of both")
        }
        let peer = try policy.admit(
            uid: credentials.uid, gid: credentials.gid, groups: credentials.groups, tenant: hello.tenant)
        return (
            peer,
            Welcome(
                version: Hello.version, features: hello.features.intersection(.all), server: "artifactd/\(artifactdVersion)",
                pid: UInt32(bitPattern: System.processID()), tenant: peer.tenant, store: stores.location.description,
                inlineLimit: UInt64(configuration.inlineLimit), requestLimit: UInt32(configuration.requestsPerConnection))
        )
    }

    /// Carries a request out.
    /// - Parameters:
    ///   - arrivedAt: when its frame came, in monotonic nanoseconds.
    ///   - connection: the one that it came on; see `ended`.
    func handle(
        _ request: Message, arrivedAt: UInt64, descriptor: SharedDescriptor?, spoolFile: SpoolFile?, peer: Peer,
        connection: ObjectIdentifier? = nil, answer: @escaping Answer
    ) {
        switch request {
        case .put(let put):
            intake.put(put, arrivedAt: arrivedAt, descriptor: descriptor, spoolFile: spoolFile, peer: peer) {
                answer($0.map { .accepted($0) })
            }
        case .wait(let wait): waitFor(wait, peer, answer)
        case .listJobs(let list): answer(Self.catching { () throws(ArtifactError) in .jobs(try records(list, peer)) })
        case .cancel(let cancel): self.cancel(cancel.id, peer, answer)
        case .retry(let retry): answer(Self.catching { () throws(ArtifactError) in .retried(try self.retry(retry, peer)) })
        case .status: answer(Self.catching { () throws(ArtifactError) in .statusReport(try status.report(for: peer)) })
        case .listObjects(let list): objects.list(list, answer: answer)
        case .get(let get):
            guard let descriptor else {
                return answer(.failure(ArtifactError(.invalidRequest, "get: no descriptor came with it to write the bytes to")))
            }
            objects.get(get, to: descriptor, answer: answer)
        case .delete(let delete): objects.delete(delete, answer: answer)
        case .hello: answer(.failure(ArtifactError(.invalidRequest, "hello was said before on this connection")))
        case .createExperiment(let create): registry.create(create, peer, answer)
        case .getExperiment(let get): registry.get(get, peer, answer)
        case .listExperiments(let list): answer(Self.catching { () throws(ArtifactError) in try registry.list(list, peer) })
        case .updateExperiment(let update): registry.update(update, peer, answer)
        case .startRun(let start): registry.start(start, peer, answer)
        case .getRun(let get): registry.get(get, peer, answer)
        case .listRuns(let list): answer(Self.catching { () throws(ArtifactError) in try registry.list(list, peer) })
        case .endRun(let end): answer(Self.catching { () throws(ArtifactError) in try registry.end(end, peer) })
        case .commit(let commit): answer(Self.catching { () throws(ArtifactError) in try registry.commit(commit, peer) })
        case .waitCommit(let wait): registry.wait(wait, peer, connection, answer)
        case .listArtifacts(let list): registry.list(list, peer, answer)
        case .deleteArtifacts(let delete):
            let cancel: ArtifactRemoval.Cancel = { [self] id, answer in self.cancel(id, peer) { answer($0.map { _ in }) } }
            registry.delete(delete, peer, cancel: cancel, answer)
        case .openSpool, .discardSpool, .welcome, .accepted, .spoolOpened, .spoolDiscarded, .waited, .jobs, .cancelled, .retried,
            .statusReport, .objects, .got, .deleted, .experimentCreated, .experiment, .experiments, .experimentUpdated,
            .runStarted, .run, .runs, .runEnded, .committing, .commitWaited, .artifacts, .artifactsDeleted, .error:
            answer(.failure(ArtifactError(.unsupportedMessage, "\(request.type) is no request")))
        }
    }

    /// A connection has ended: waits that would last as long as the daemon end with it.
    func ended(_ connection: ObjectIdentifier) { registry.ended(connection) }

    /// Whether a descriptor may travel with this request.
    static func takesDescriptor(_ request: Message) -> Bool {
        switch request {
        case .put(let put): put.source == .descriptor
        case .get: true
        default: false
        }
    }

    private static func catching(_ body: () throws(ArtifactError) -> Message) -> Result<Message, ArtifactError> {
        do throws(ArtifactError) { return .success(try body()) } catch { return .failure(error) }
    }

    // MARK: Spool files

    func openSpool(_ request: OpenSpool) throws(ArtifactError) -> (SpoolFile, writer: SharedDescriptor) {
        guard spool.reserve(request.sizeHint) else {
            throw spool.refusal(of: request.sizeHint, for: "this file")
        }
        do throws(SystemError) {
            let (writer, reader) = try spool.makeFile()
            return (SpoolFile(reader: reader, reserved: request.sizeHint, in: spool), writer)
        } catch {
            spool.release(request.sizeHint)
            throw spool.failure("could not make a file", error)
        }
    }

    // MARK: Jobs

    /// The record of a job that the peer may see, with what has changed since the journal was last written.
    private func record(_ id: JobID, _ peer: Peer) throws(ArtifactError) -> JobRecord {
        guard let record = try journal.record(id), peer.mayAct(for: record.tenant) else {
            throw ArtifactError(.notFound, "there is no job \(id); ended jobs are forgotten after a while")
        }
        return current(record)
    }

    private func current(_ record: JobRecord) -> JobRecord {
        guard !record.state.isFinal else { return record }
        var record = record
        if let done = dispatcher.progress(of: record.id) {
            record.state = .uploading
            record.bytesDone = done
        } else {
            record.state = .accepted
            record.error = dispatcher.trouble(of: record.id) ?? record.error
        }
        return record
    }

    private func records(_ request: ListJobs, _ peer: Peer) throws(ArtifactError) -> Jobs {
        if !request.ids.isEmpty {
            var found: [JobRecord] = []
            for id in request.ids {
                let record = try record(id, peer)
                if request.states.isEmpty || request.states.contains(record.state) { found.append(record) }
            }
            return Jobs(records: found)
        }
        // Whether a pending job is being uploaded is known here and not to the journal.
        var asked = Set(request.states)
        if asked.contains(.accepted) || asked.contains(.uploading) { asked.formUnion([.accepted, .uploading]) }
        let page = try journal.records(
            JobQuery(
                states: asked.isEmpty ? nil : Array(asked), tenants: peer.isAdmin ? nil : [peer.tenant], after: request.after,
                limit: Int(request.limit)))
        var fitting: [JobRecord] = []
        var bytes = 0
        var next = page.count == Int(request.limit) ? page.last?.sequence : nil
        for record in page {
            let record = current(record)
            bytes += Self.estimatedSize(record)
            if bytes > FrameHeader.maximumFrameLength - 4096 {
                next = fitting.last?.sequence
                break
            }
            fitting.append(record)
        }
        let wanted = Set(request.states)
        return Jobs(records: wanted.isEmpty ? fitting : fitting.filter { wanted.contains($0.state) }, next: next)
    }

    /// An upper bound of what a record takes in a frame.
    private static func estimatedSize(_ record: JobRecord) -> Int {
        let texts = [
            record.tenant, record.destination, record.label, record.contentType, record.etag ?? "", record.checksum ?? "",
            record.error?.message ?? "", record.error?.cause ?? "",
        ]
        return texts.reduce(512) { $0 + $1.utf8.count }
    }

    private func waitFor(_ request: Wait, _ peer: Peer, _ answer: @escaping Answer) {
        do throws(ArtifactError) {
            let deadline = request.timeout.map(Deadline.after(milliseconds:))
            let isAll = request.ids.isEmpty
            let ids = isAll ? dispatcher.pendingIDs(of: peer) : request.ids
            for id in ids where !isAll {
                // Of a job of another tenant not even that there is one is told.
                if let pending = dispatcher.pending(id), !peer.mayAct(for: pending.tenant) { _ = try record(id, peer) }
            }
            let standing = isAll ? try failedJobs(of: peer) : 0
            let lookUp = { [self] (ended: [JobID]) throws(ArtifactError) in try failures(among: ended, peer) }
            dispatcher.wait(for: ids, level: request.level, deadline: deadline, lookUp: lookUp) { outcome in
                answer(outcome.map { .waited(Waited(pending: $0.pending, failed: standing + $0.failed)) })
            }
        } catch {
            answer(.failure(error))
        }
    }

    /// How many of the jobs, which are final, were not stored, and why the last of them was not.
    private func failures(among ended: [JobID], _ peer: Peer) throws(ArtifactError) -> Waiters.Failures {
        var failures = Waiters.Failures()
        for id in ended { failures.add(try record(id, peer)) }
        return failures
    }

    /// How many jobs that the peer may see stand as failed.
    private func failedJobs(of peer: Peer) throws(ArtifactError) -> UInt64 {
        if peer.isAdmin { return dispatcher.failedJobs }
        var count: UInt64 = 0
        try forEachFailed(of: peer) { _ throws(ArtifactError) in count += 1 }
        return count
    }

    private func forEachFailed(
        of peer: Peer, _ body: (JobRecord) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        var after: Int64?
        repeat {
            let page = try journal.records(
                JobQuery(states: [.failed], tenants: peer.isAdmin ? nil : [peer.tenant], after: after, limit: 1000))
            for record in page { try body(record) }
            after = page.count == 1000 ? page.last?.sequence : nil
        } while after != nil
    }

    private func cancel(_ id: JobID, _ peer: Peer, _ answer: @escaping Answer) {
        do throws(ArtifactError) {
            let record = try record(id, peer)
            guard !record.state.isFinal || record.state == .failed else {
                return answer(.success(.cancelled(Cancelled(state: record.state))))
            }
            guard let state = try steering.withLock({ _ throws(ArtifactError) in try cancel(record, peer) }) else {
                // A worker lets go of it at the next part; the journal then knows.
                return answerWhenEnded(id, peer, answer)
            }
            answer(.success(.cancelled(Cancelled(state: state))))
        } catch {
            answer(.failure(error))
        }
    }

    /// Cancels a job that no worker has.
    /// - Returns: the state in which it is now; nil when a worker has it and is to end it.
    private func cancel(_ record: JobRecord, _ peer: Peer) throws(ArtifactError) -> JobState? {
        let withdrawal = dispatcher.withdraw(record.sequence)
        if withdrawal == .ending { return nil }
        defer { dispatcher.release(record.sequence, .steered) }
        guard try journal.apply(.cancelled(record.sequence, at: System.wallMilliseconds())) else {
            return try self.record(record.id, peer).state
        }
        engine.releasePin(record.id)
        if withdrawal == .withdrawn {
            dispatcher.finished(record.sequence, .cancelled)
        } else {
            dispatcher.forgetFailed(record)
        }
        dispatcher.abort(try journal.uploadsToAbort().filter { $0.destination == record.destination })
        return .cancelled
    }

    /// Answers a request to cancel when the job that a worker had has ended, one way or another.
    private func answerWhenEnded(_ id: JobID, _ peer: Peer, _ answer: @escaping Answer) {
        let lookUp = { [self] (ended: [JobID]) throws(ArtifactError) in try failures(among: ended, peer) }
        dispatcher.wait(for: [id], level: .stored, deadline: nil, lookUp: lookUp) { outcome in
            answer(
                outcome.map { ended in
                    let isCancelled = ended.error?.code == .cancelled
                    return .cancelled(Cancelled(state: ended.failed == 0 ? .stored : isCancelled ? .cancelled : .failed))
                })
        }
    }

    private func retry(_ request: Retry, _ peer: Peer) throws(ArtifactError) -> Retried {
        var result = Retried(count: 0)
        if !request.ids.isEmpty {
            for id in request.ids {
                do throws(ArtifactError) { try retry(id, peer, &result) } catch {
                    guard error.code == .notFound else { throw error }
                    result.refusals.append(ErrorMessage(error))
                }
            }
            return result
        }
        try forEachFailed(of: peer) { (record) throws(ArtifactError) in try retry(record.id, peer, &result) }
        return result
    }

    private func retry(_ id: JobID, _ peer: Peer, _ result: inout Retried) throws(ArtifactError) {
        try steering.withLock { _ throws(ArtifactError) in try retry(try record(id, peer), &result) }
    }

    private func retry(_ record: JobRecord, _ result: inout Retried) throws(ArtifactError) {
        func refuse(_ why: String) {
            // Enough to see what is wrong; the count says how many went well.
            if result.refusals.count < 100 {
                result.refusals.append(ErrorMessage(ArtifactError(.conflict, "job \(record.id) \(why)")))
            }
        }
        guard record.state == .failed else { return refuse("is \(record.state), not failed") }
        if try journal.hasLaterStored(than: record.sequence, destination: record.destination)
            || dispatcher.hasLater(than: record.sequence, destination: record.destination)
        {
            return refuse("is superseded: a later job for '\(record.destination.escapedForLog)' is stored or on its way")
        }
        guard try journal.apply(.retried(record.sequence, at: System.wallMilliseconds())),
            let pending = try journal.pendingJob(record.sequence)
        else { return refuse("is not failed any more") }
        dispatcher.retried(pending)
        // Its place may have been decided before it was there to be told so.
        if pending.isProvisional, let placed = try journal.pendingJob(record.sequence), !placed.isProvisional {
            dispatcher.place([ResolvedJob(sequence: placed.sequence, destination: placed.job.destination)])
        }
        result.count += 1
    }
}
