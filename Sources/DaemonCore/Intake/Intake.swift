import ArtifactModel
import ArtifactWire
import Glibc
import Journal
import LinuxSystem
import Pipeline

/// Takes hand-overs: resolves the destination, checks and pins the source, journals the job, and answers after the commit.
///
/// Runs on the connection's own thread up to the journal, and on the journal's thread from the commit on; a spool file goes through
/// the committer's threads in between.
final class Intake: Sendable {
    private let configuration: Configuration
    private let stores: Stores
    private let journal: Journal
    private let spool: Spool
    private let pins: PinTable
    private let dispatcher: Dispatcher
    private let keeper: DurableKeeper
    private let committer: SpoolCommitter
    private let sizing: UploadSizing
    private let runs: RunCache

    init(
        configuration: Configuration, stores: Stores, journal: Journal, spool: Spool, pins: PinTable, dispatcher: Dispatcher,
        keeper: DurableKeeper, committer: SpoolCommitter
    ) {
        self.configuration = configuration
        self.stores = stores
        self.journal = journal
        self.spool = spool
        self.pins = pins
        self.dispatcher = dispatcher
        self.keeper = keeper
        self.committer = committer
        sizing = UploadSizing(configuration)
        runs = RunCache(journal: journal)
    }

    typealias Answer = @Sendable (Result<Accepted, ArtifactError>) -> Void

    /// Takes one hand-over and answers it exactly once, when the level that it asks for is reached.
    /// - Parameter arrivedAt: when the frame came, in monotonic nanoseconds.
    /// - Parameter descriptor: what came with the frame.
    /// - Parameter spoolFile: the spool file that the request names.
    func put(
        _ request: Put, arrivedAt: UInt64, descriptor: SharedDescriptor?, spoolFile: SpoolFile?, peer: Peer,
        answer: @escaping Answer
    ) {
        do throws(ArtifactError) {
            let (target, place, experiment) = try place(request.target)
            try stores.all[target.store].checkKey(target.key)
            let now = System.wallMilliseconds()
            let id = JobID.make(unixMilliseconds: now)
            let held = try hold(request, descriptor, spoolFile, peer, id)
            let compression = request.compression ?? configuration.compression ?? Self.usual(stores.all[target.store].location)
            let job = NewJob(
                id: id, uid: peer.uid, gid: peer.gid, tenant: peer.tenant, idempotencyKey: request.idempotencyKey,
                destination: target.uri, run: place, label: request.label, path: held.path, size: held.size,
                fingerprint: held.fingerprint, level: request.level, pin: held.pin, spoolName: held.spoolName,
                inlineBytes: held.bytes, compression: compression,
                changePolicy: request.changePolicy ?? configuration.changePolicy, kind: ArtifactKind(path: target.key.text),
                contentType: request.contentType ?? ArtifactKind.contentType(path: target.key.text), acceptedAt: now)
            do throws(ArtifactError) {
                try sizing.check(size: job.size, compression: compression)
                try dispatcher.reserve(bytes: job.size)
            } catch {
                letGo(job, spoolFile)
                throw error
            }
            let accept = { @Sendable [self] in
                journal.accept(job) { [self] outcome in conclude(job, arrivedAt, experiment, spoolFile, outcome, answer) }
            }
            guard let spoolFile, let name = job.spoolName, job.pin == .spool else {
                return committer.inTurn(target.uri, accept)
            }
            committer.commit(spoolFile, as: name, for: target.uri) { [self] outcome in
                switch outcome {
                case .success: accept()
                case .failure(let error): conclude(job, arrivedAt, experiment, spoolFile, .failure(error), answer)
                }
            }
        } catch {
            answer(.failure(error))
        }
    }

    /// Where a hand-over goes, and to which run and experiment.
    private func place(
        _ target: Put.Target
    ) throws(ArtifactError) -> (target: Stores.Target, run: RunPlace?, experiment: String?) {
        switch target {
        case .destination(let destination): return (try stores.resolve(destination), nil, nil)
        case .artifact(let place):
            let run = try runs[place.runID]
            // By itself: what makes no key at all must not be hidden by where it stands.
            _ = try ObjectKey(place.path)
            return (
                try stores.resolve("\(run.artifactURI)/\(place.path)"),
                RunPlace(
                    runID: place.runID, path: place.path, group: place.member?.group, member: place.member?.number ?? 0),
                run.experimentID
            )
        }
    }

    /// The default compression of a kind of store: a directory is read with ordinary tools, S3 is paid for by the byte.
    private static func usual(_ location: StoreLocation) -> Compression {
        if case .s3 = location { .auto } else { .none }
    }

    // MARK: After the commit

    private func conclude(
        _ job: NewJob, _ arrivedAt: UInt64, _ experiment: String?, _ spoolFile: SpoolFile?,
        _ outcome: Result<Acceptance, ArtifactError>, _ answer: @escaping Answer
    ) {
        switch outcome {
        case .success(.accepted(let sequence, let destination, let isProvisional)):
            var job = job
            job.destination = destination
            if job.pin == .spool { spoolFile?.committed() }
            var holds: JobQueue.Holds = isProvisional ? .unplaced : []
            if job.level == .durable, !job.pin.isDurable { holds.insert(.copying) }
            dispatcher.accepted(job, sequence: sequence, experiment: experiment, holds: holds, arrivedAt: arrivedAt)
            let accepted = Accepted(
                id: job.id, level: job.pin.isDurable ? .durable : .accepted, pin: job.pin, size: job.size, isDuplicate: false,
                destination: job.destination)
            reach(job.level, accepted, sequence, earlier: nil, answer)
            dispatcher.wake()
        case .success(.duplicate(let record)):
            dispatcher.cancelReservation(bytes: job.size)
            letGo(job, spoolFile)
            if job.pin == .spool { spoolFile?.discard() }
            let accepted = Accepted(
                id: record.id, level: record.level, pin: record.pin, size: record.size, isDuplicate: true,
                destination: record.destination)
            reach(job.level, accepted, record.sequence, earlier: record, answer)
        case .failure(let error):
            dispatcher.cancelReservation(bytes: job.size)
            letGo(job, spoolFile)
            answer(.failure(error))
        }
    }

    /// Answers as soon as the job has come as far as `level`.
    /// - Parameter earlier: the job as the journal has it, where it is one of an earlier hand-over.
    private func reach(
        _ level: AcknowledgementLevel, _ accepted: Accepted, _ sequence: Int64, earlier: JobRecord?, _ answer: @escaping Answer
    ) {
        // Sent again after it had failed, perhaps because its answer never came: nothing holds these bytes now.
        if let earlier, earlier.state == .failed || earlier.state == .cancelled {
            return answer(.failure(Self.naming(earlier.id, earlier.error)))
        }
        if accepted.level >= level { return answer(.success(accepted)) }
        if level == .durable {
            return keeper.keep(accepted.id, sequence: sequence, isNew: earlier == nil) { outcome in
                answer(
                    outcome.map {
                        var durable = accepted
                        durable.level = .durable
                        durable.pin = .spool
                        return durable
                    })
            }
        }
        // Only the journal's thread, which this is, ends jobs: one that is not pending has ended as the record says.
        let lookUp = { (_: [JobID]) throws(ArtifactError) -> Waiters.Failures in
            var failures = Waiters.Failures()
            if let earlier { failures.add(earlier) }
            return failures
        }
        dispatcher.wait(for: [accepted.id], level: level, deadline: nil, lookUp: lookUp) { outcome in
            answer(
                outcome.flatMap { waited in
                    if waited.failed > 0 { return .failure(Self.naming(accepted.id, waited.error)) }
                    var stored = accepted
                    stored.level = .stored
                    return .success(stored)
                })
        }
    }

    /// Why a job failed, with its id: whoever asked for STORED has not learnt it otherwise.
    private static func naming(_ id: JobID, _ error: ArtifactError?) -> ArtifactError {
        var error = error ?? .jobCancelled
        error.message = "job \(id): \(error.message)"
        return error
    }

    // MARK: The source

    /// A source that is held.
    private struct Held {
        var pin: Pin
        var size: UInt64
        var fingerprint: SourceFingerprint?
        var bytes: [UInt8]?
        var spoolName: String?
        var path: String?
    }

    private func hold(
        _ request: Put, _ descriptor: SharedDescriptor?, _ spoolFile: SpoolFile?, _ peer: Peer, _ id: JobID
    ) throws(ArtifactError) -> Held {
        switch request.source {
        case .inline(let bytes):
            guard descriptor == nil else {
                throw ArtifactError(.invalidRequest, "put: inline bytes and a descriptor exclude each other; send one of them")
            }
            guard bytes.count <= configuration.inlineLimit else {
                throw ArtifactError(
                    .tooLarge,
                    "put: \(bytes.count) bytes are too many to take inline (at most \(configuration.inlineLimit)); "
                        + "send a descriptor or use a spool file")
            }
            return Held(pin: .inline, size: UInt64(bytes.count), bytes: bytes)
        case .spool:
            guard let spoolFile else {
                throw ArtifactError(.notFound, "put: this connection has no spool file of that number open")
            }
            guard spoolFile.beginCommit() else {
                throw ArtifactError(.conflict, "put: this spool file is being handed over already")
            }
            do throws(ArtifactError) { return try take(spoolFile, id) } catch {
                spoolFile.commitFailed()
                throw error
            }
        case .path(let path):
            guard peer.isOwnUser else {
                throw ArtifactError(
                    .denied, "put: a bare path is taken only from the daemon's own user; open the file and send its descriptor")
            }
            guard path.hasPrefix("/") else {
                throw ArtifactError(.invalidRequest, "put: '\(path.escapedForLog)' is no absolute path")
            }
            let opened = try kernelCalls(orThrow: .sourceUnreadable, "'\(path.escapedForLog)' cannot be opened") {
                () throws(SystemError) in SharedDescriptor(try System.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY))
            }
            return try pin(opened, label: path, peer, id)
        case .descriptor:
            guard let descriptor else {
                throw ArtifactError(
                    .invalidRequest, "put: no source; send inline bytes, a descriptor, a path or a spool's number")
            }
            return try pin(descriptor, label: request.label, peer, id)
        }
    }

    /// Takes a client's spool file as the job's source: no writer is left. The committer makes it durable.
    private func take(_ file: SpoolFile, _ id: JobID) throws(ArtifactError) -> Held {
        let failed = "put: the spool file could not be made durable"
        // The kernel grants a read lease only while nobody has the file open for writing.
        let hasWriters = try kernelCalls(orThrow: .localStorageFailed, failed) { () throws(SystemError) in
            guard try System.takeReadLease(file.reader.number) else { return true }
            try System.dropLease(file.reader.number)
            return false
        }
        if hasWriters {
            throw ArtifactError(
                .conflict, "put: the spool file is still open for writing; close every copy of its descriptor first")
        }
        let fingerprint = try kernelCalls(orThrow: .localStorageFailed, failed) { () throws(SystemError) in
            SourceFingerprint(try System.status(of: file.reader.number))
        }
        guard file.setSize(fingerprint.size) else {
            throw spool.refusal(of: fingerprint.size, for: "this file")
        }
        return Held(pin: .spool, size: fingerprint.size, fingerprint: fingerprint, spoolName: Spool.ownName(of: id))
    }

    /// Pins a client's file by the first means that works, without copying it.
    private func pin(_ descriptor: SharedDescriptor, label: String, _ peer: Peer, _ id: JobID) throws(ArtifactError) -> Held {
        let status = try SourceCheck.inspect(descriptor.number)
        let fingerprint = SourceFingerprint(status)
        let path = label.hasPrefix("/") ? label : nil
        if status.size <= UInt64(configuration.inlineLimit) {
            return Held(
                pin: .inline, size: status.size, fingerprint: fingerprint,
                bytes: try SourceCheck.readWhole(descriptor, fingerprint), path: path)
        }
        var held = Held(pin: .link, size: status.size, fingerprint: fingerprint, spoolName: Spool.linkName(of: id), path: path)
        do throws(SystemError) {
            try spool.link(descriptor.number, as: Spool.linkName(of: id))
            return held
        } catch {
            // Another file system, another user's file, a file without a name: the descriptor holds it.
            held.spoolName = nil
        }
        let pin = try kernelCalls(orThrow: .localStorageFailed, "put: the file's descriptor could not be kept") {
            () throws(SystemError) in try pins.pin(descriptor, for: id)
        }
        if let pin {
            held.pin = pin
            return held
        }
        if let path, peer.isOwnUser, SourceCheck.canReopen(path, as: fingerprint) {
            held.pin = .path
            return held
        }
        throw ArtifactError(
            .busy, "put: the daemon holds all the descriptors that it may (\(pins.limit)); try again when some jobs are done",
            retryAfterMilliseconds: Backpressure.retryAfterMilliseconds)
    }

    /// Undoes `hold` for a job that did not come about.
    private func letGo(_ job: NewJob, _ spoolFile: SpoolFile?) {
        do throws(SystemError) {
            if let name = job.spoolName { try spool.remove(name) }
            try pins.release(job.id)
        } catch {
            dispatcher.log.warning("a pin could not be released", metadata: ["job": "\(job.id)", "error": "\(error)"])
        }
        if job.pin == .spool { spoolFile?.commitFailed() }
    }
}

/// What a refusal for lack of room advises.
enum Backpressure {
    /// When to try again.
    static let retryAfterMilliseconds: UInt64 = 1000
}
