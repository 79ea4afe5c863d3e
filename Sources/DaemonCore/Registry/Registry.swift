import ArtifactModel
import ArtifactWire
import Journal
import LinuxSystem
import Synchronization

/// What the daemon does about requests that concern experiments and runs.
///
/// The journal is asked first and always can be. The store is asked, on threads for that, about what other nodes have done.
final class Registry: Sendable {
    /// How long a request may wait for the store, in nanoseconds: the journal can answer most of them.
    private static let patience: UInt64 = 10_000_000_000

    private let journal: Journal
    private let stores: Stores
    private let threads: StoreThreads
    private let registrar: Registrar
    private let dispatcher: Dispatcher
    private let bell: RegistryBell
    private let listing: ArtifactListing

    init(journal: Journal, stores: Stores, threads: StoreThreads, dispatcher: Dispatcher, registrar: Registrar) {
        self.journal = journal
        self.stores = stores
        self.threads = threads
        self.registrar = registrar
        self.dispatcher = dispatcher
        bell = dispatcher.bell
        listing = ArtifactListing(
            journal: journal, stores: stores, dispatcher: dispatcher, manifests: ManifestReader(stores: stores))
    }

    typealias Answer = @Sendable (Result<Message, ArtifactError>) -> Void

    // MARK: Experiments

    /// Makes an experiment: in the store too, where that answers.
    func create(_ request: CreateExperiment, _ peer: Peer, _ answer: @escaping Answer) {
        threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
            let id = try ExperimentID.of(tenant: peer.tenant, name: request.name)
            let location = try location(request.artifactLocation, of: id)
            let store = RegistryStore(session: sessions[0])
            let isReachable = try unlessAway { () throws(ArtifactError) in
                if let found = try store.experiment(id) { _ = try journal.learnExperiment(found) }
            }
            let now = System.wallMilliseconds()
            let experiment = Experiment(
                id: id, tenant: peer.tenant, name: request.name, description: request.description, tags: request.tags,
                artifactLocation: location, createdAt: now, updatedAt: now, isProvisional: true)
            guard try journal.createExperiment(experiment) else {
                let isArchived = try journal.experiment(id: id)?.stage == .deleted
                throw ArtifactError(
                    .conflict,
                    isArchived
                        ? "experiment '\(request.name.escapedForLog)' is archived (id \(id)); restore it"
                        : "experiment '\(request.name.escapedForLog)' is there already (id \(id)); use it, or choose another name"
                )
            }
            if isReachable {
                _ = try unlessAway { () throws(ArtifactError) in try registrar.confirm(experiment, store) }
            }
            bell.ring()
            return .experimentCreated(try journal.experiment(id: id) ?? experiment)
        }
    }

    func get(_ request: GetExperiment, _ peer: Peer, _ answer: @escaping Answer) {
        threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
            .experiment(try find(request.experiment, peer, RegistryStore(session: sessions[0])))
        }
    }

    func update(_ request: UpdateExperiment, _ peer: Peer, _ answer: @escaping Answer) {
        threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
            _ = try find(.id(request.id), peer, RegistryStore(session: sessions[0]))
            let updated = try journal.updateExperiment(
                request.id, description: request.description, tags: request.tags.map { ($0.key, $0.value) },
                stage: request.stage, at: System.wallMilliseconds())
            bell.ring()
            guard let updated else { throw Self.noExperiment(request.id) }
            return .experimentUpdated(updated)
        }
    }

    func list(_ request: ListExperiments, _ peer: Peer) throws(ArtifactError) -> Message {
        let (page, total) = try journal.experiments(
            ExperimentQuery(
                tenant: peer.tenant, search: request.search, stage: request.stage, limit: Int(request.limit),
                offset: Int(clamping: request.offset)))
        let fitting = FrameRoom.fitting(page) { experiment in
            [experiment.name, experiment.description, experiment.artifactLocation] + Self.texts(experiment.tags)
        }
        return .experiments(Experiments(experiments: fitting, total: UInt64(total)))
    }

    /// The experiment, as the store has it where that answers.
    private func find(
        _ reference: ExperimentReference, _ peer: Peer, _ store: RegistryStore
    ) throws(ArtifactError) -> Experiment {
        let (id, name) =
            switch reference {
            case .id(let id): (id, id)
            case .name(let name): (try ExperimentID.of(tenant: peer.tenant, name: name), name)
            }
        let known = try journal.experiment(id: id)
        if let known { try Self.check(known.tenant, peer, "experiment '\(id)'") }
        if let known, known.isProvisional {
            confirmNow(known, store)
        } else {
            _ = try unlessAway(mustAnswer: known == nil) { () throws(ArtifactError) in
                guard let found = try store.experiment(id), found != known else { return }
                try Self.check(found.tenant, peer, "experiment '\(found.id)'")
                _ = try journal.learnExperiment(found)
            }
        }
        guard let experiment = try journal.experiment(id: id) else { throw Self.noExperiment(name) }
        return experiment
    }

    /// Where an experiment is to lie.
    /// - Parameter wanted: the place that was asked for; nil for the usual one.
    private func location(_ wanted: String?, of id: String) throws(ArtifactError) -> String {
        guard var location = wanted else { return stores.location.uri(ofKey: "experiments/\(id)") }
        while location.hasSuffix("/") { location.removeLast() }
        guard location.isURI else {
            throw ArtifactError(
                .invalidRequest, "artifact_location '\(location.escapedForLog)' is no URI; write \(stores.location)/… in full")
        }
        // By itself first: a refusal names it as it was written. It is allowed when an object below it is.
        let (store, key) = try stores.place(of: location)
        _ = try stores.resolve("\(location)/runs")
        // The registry's own places, and those of experiments that have chosen none.
        let isReserved = ["experiments", "runs"].contains { key.lies(within: $0) } && !key.lies(within: "experiments/\(id)")
        guard store != 0 || !isReserved else {
            throw ArtifactError(
                .destinationNotAllowed,
                "artifact_location '\(location.escapedForLog)' lies where the store keeps other experiments or runs; choose a place "
                    + "outside of 'experiments' and 'runs'")
        }
        return location
    }

    // MARK: Runs

    /// Starts a run: at once, unless only the store can know the experiment, or whether it is still archived.
    func start(_ request: StartRun, _ peer: Peer, _ answer: @escaping Answer) {
        do throws(ArtifactError) {
            if let experiment = try usable(request.experiment, peer) {
                return answer(.success(.runStarted(try start(request, peer, in: experiment))))
            }
            threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
                let experiment = try find(request.experiment, peer, RegistryStore(session: sessions[0]))
                return .runStarted(try start(request, peer, in: experiment))
            }
        } catch {
            answer(.failure(error))
        }
    }

    /// The experiment that a run can be started in without asking anybody; nil where the store is to be asked. One that was archived
    /// may have been restored on another node; one whose name is new here is made.
    private func usable(_ reference: ExperimentReference, _ peer: Peer) throws(ArtifactError) -> Experiment? {
        switch reference {
        case .id(let id):
            guard let known = try journal.experiment(id: id) else { return nil }
            try Self.check(known.tenant, peer, "experiment '\(id)'")
            return known.stage == .active ? known : nil
        case .name(let name):
            let id = try ExperimentID.of(tenant: peer.tenant, name: name)
            if let known = try journal.experiment(id: id) { return known.stage == .active ? known : nil }
            let now = System.wallMilliseconds()
            return Experiment(
                id: id, tenant: peer.tenant, name: name, artifactLocation: try location(nil, of: id), createdAt: now,
                updatedAt: now, isProvisional: true)
        }
    }

    private func start(_ request: StartRun, _ peer: Peer, in experiment: Experiment) throws(ArtifactError) -> Run {
        let now = System.wallMilliseconds()
        let id = request.runID ?? JobID.make(unixMilliseconds: now).description
        let run = try journal.startRun(
            Run(
                id: id, experimentID: experiment.id, tenant: peer.tenant, name: request.name, description: request.description,
                tags: request.tags, startedAt: now,
                artifactURI: Experiment.artifactURI(location: experiment.artifactLocation, run: id),
                isProvisional: experiment.isProvisional), in: experiment)
        bell.ring()
        return run
    }

    func get(_ request: GetRun, _ peer: Peer, _ answer: @escaping Answer) {
        threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
            .run(try find(request.runID, peer, RegistryStore(session: sessions[0])))
        }
    }

    /// The run, as the store has it where that answers: another node may have ended it, or ended it first.
    private func find(_ id: String, _ peer: Peer, _ store: RegistryStore) throws(ArtifactError) -> Run {
        let known = try journal.run(id)
        if let known {
            try Self.check(known.tenant, peer, "run '\(id)'")
            if known.isProvisional, let experiment = try journal.experiment(id: known.experimentID) {
                confirmNow(experiment, store)
            }
        }
        _ = try unlessAway(mustAnswer: known == nil) { () throws(ArtifactError) in
            guard let found = try store.run(id), found.status != known?.status || found.endedAt != known?.endedAt else { return }
            // Of another run that has the same id nothing is learnt; who waits for a commit of this one is told.
            if let known, !found.isSame(as: known) { return }
            try Self.check(found.tenant, peer, "run '\(id)'")
            if known == nil {
                guard let experiment = try store.experiment(found.experimentID) else {
                    throw ArtifactError(
                        .corruptObject, "run '\(id)' is of experiment \(found.experimentID), which the store has not got")
                }
                let learnt = try journal.learnExperiment(experiment)
                if learnt.isProvisional { confirmNow(learnt, store) }
            }
            _ = try journal.learnRun(found)
        }
        return try self.run(id, peer)
    }

    func list(_ request: ListRuns, _ peer: Peer) throws(ArtifactError) -> Message {
        let (page, total) = try journal.runs(
            RunQuery(
                tenant: peer.tenant, experimentID: request.experimentID, status: request.status, search: request.search,
                limit: Int(request.limit), offset: Int(clamping: request.offset)))
        let fitting = FrameRoom.fitting(page) { run in
            [run.name, run.description, run.artifactURI] + Self.texts(run.tags)
        }
        return .runs(Runs(runs: fitting, total: UInt64(total)))
    }

    func end(_ request: EndRun, _ peer: Peer) throws(ArtifactError) -> Message {
        _ = try run(request.runID, peer)
        let run = try journal.endRun(request.runID, status: request.status, at: System.wallMilliseconds())
        bell.ring()
        return .runEnded(run)
    }

    // MARK: Commits

    func commit(_ request: Commit, _ peer: Peer) throws(ArtifactError) -> Message {
        _ = try run(request.runID, peer)
        let now = System.wallMilliseconds()
        switch request.scope {
        case .run: try journal.requestCommit(run: request.runID, at: now)
        case .member(let member, let members):
            try journal.requestCommit(
                run: request.runID, group: member.group, member: member.number, members: members, at: now)
        }
        bell.ring()
        return .committing
    }

    /// - Parameter connection: whose end also ends the wait.
    func wait(_ request: WaitCommit, _ peer: Peer, _ connection: ObjectIdentifier?, _ answer: @escaping Answer) {
        do throws(ArtifactError) {
            let run = try run(request.runID, peer)
            let commit = CommitSubject(run: request.runID, group: request.group)
            if let group = request.group, case .neverRequested = try journal.commitState(run: run.id, group: group) {
                return threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
                    guard try isCommitted(group, of: run, sessions) else { throw CommitWaiters.neverRequested(commit) }
                    return .commitWaited(CommitWaited(isCommitted: true, pending: 0, failed: 0, missing: [], error: nil))
                }
            }
            let deadline = request.timeout.map(Deadline.after(milliseconds:))
            let isWaiting = registrar.waiters.add(commit, connection: connection, deadline: deadline) {
                answer($0.map { .commitWaited($0) })
            }
            if isWaiting { bell.ring() }
        } catch {
            answer(.failure(error))
        }
    }

    /// Whether a group without a member here is committed: the store alone can know.
    private func isCommitted(_ group: String, of run: Run, _ sessions: StoreSessions) throws(ArtifactError) -> Bool {
        guard !run.isProvisional else { return false }
        let (store, base) = try stores.place(of: Experiment.runURI(artifactURI: run.artifactURI))
        return try sessions[store].head(try ObjectKey("\(base)/groups/\(group)/commit.json")) != nil
    }

    /// A connection has ended.
    func ended(_ connection: ObjectIdentifier) { registrar.waiters.drop(connection) }

    // MARK: Artifacts

    func list(_ request: ListArtifacts, _ peer: Peer, _ answer: @escaping Answer) {
        threads.perform(answer, patience: Self.patience) { [self] sessions throws(ArtifactError) in
            let run = try find(request.runID, peer, RegistryStore(session: sessions[0]))
            return .artifacts(try listing.page(of: run, request, sessions))
        }
    }

    /// Cancels what is pending, and removes what is stored.
    func delete(
        _ request: DeleteArtifacts, _ peer: Peer, cancel: @escaping ArtifactRemoval.Cancel, _ answer: @escaping Answer
    ) {
        threads.perform(answer) { [self] sessions throws(ArtifactError) in
            let run = try find(request.runID, peer, RegistryStore(session: sessions[0]))
            let removal = ArtifactRemoval(journal: journal, stores: stores, cancel: cancel)
            let count = try removal.remove(request, of: run, sessions)
            return .artifactsDeleted(ArtifactsDeleted(count: UInt64(count)))
        }
    }

    /// A run that this daemon has seen, and that is the peer's.
    private func run(_ id: String, _ peer: Peer) throws(ArtifactError) -> Run {
        guard let run = try journal.run(id) else { throw ArtifactError.unseenRun(id) }
        try Self.check(run.tenant, peer, "run '\(id)'")
        return run
    }

    private static func check(_ tenant: String, _ peer: Peer, _ what: String) throws(ArtifactError) {
        guard tenant == peer.tenant else {
            throw ArtifactError(
                .tenantMismatch, "\(what) belongs to another tenant than '\(peer.tenant)'; act for the tenant that owns it")
        }
    }

    private static func noExperiment(_ name: String) -> ArtifactError {
        ArtifactError(.notFound, "there is no experiment '\(name.escapedForLog)' of this tenant; create it")
    }

    /// Asks the store, and goes on without it where it does not answer now.
    /// - Returns: whether it answered.
    private func unlessAway(
        mustAnswer: Bool = false, _ body: () throws(ArtifactError) -> Void
    ) throws(ArtifactError) -> Bool {
        do throws(ArtifactError) {
            if !mustAnswer { try dispatcher.requireHealth(of: 0) }
            try body()
            return true
        } catch {
            guard !mustAnswer, error.isOfStoreAsWhole else { throw error }
            return false
        }
    }

    /// Tries to have a place confirmed without waiting for the registrar's turn. Where that fails, it stays provisional, and the
    /// registrar, which goes on trying, says why.
    private func confirmNow(_ experiment: Experiment, _ store: RegistryStore) {
        do throws(ArtifactError) {
            try dispatcher.requireHealth(of: 0)
            try registrar.confirm(experiment, store)
        } catch {
            bell.ring()
        }
    }

    private static func texts(_ tags: [String: String]) -> [String] { tags.flatMap { [$0.key, $0.value] } }
}

extension ArtifactError {
    /// Whether it says nothing of what was asked for, but of the store: the journal can be asked instead.
    fileprivate var isOfStoreAsWhole: Bool {
        switch code {
        case .storeUnavailable, .storeThrottled, .storeDenied, .noSuchBucket, .storeNotTrusted, .cancelled: true
        default: false
        }
    }
}
