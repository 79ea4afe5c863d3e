import ArtifactModel
import ArtifactWire
import Foundation
import ObjectStore
import TestSupport

@testable import DaemonCore

/// What tests of runs ask a rig.
extension Rig {
    func startRun(_ experiment: String = "e", id: String? = nil) throws -> Run {
        guard case .runStarted(let run) = try answer(.startRun(StartRun(experiment: .name(experiment), runID: id))) else {
            throw SupportError("no run was started")
        }
        return run
    }

    @discardableResult
    func put(_ text: String, in run: Run, at path: String, member: GroupMember? = nil) throws -> JobID {
        let place = ArtifactPlace(runID: run.id, path: path, member: member)
        return try submit(Put(target: .artifact(place), source: .inline(Array(text.utf8)))).wait().get().id
    }

    @discardableResult
    func end(_ run: Run, as status: RunStatus = .finished) throws -> Run {
        guard case .runEnded(let run) = try answer(.endRun(EndRun(runID: run.id, status: status))) else {
            throw SupportError("the run was not ended")
        }
        return run
    }

    func commit(_ run: Run, _ member: UInt32, of members: UInt32, group: String = "g") throws {
        let scope = Commit.Scope.member(GroupMember(group: group, number: member), of: members)
        _ = try answer(.commit(Commit(runID: run.id, scope: scope)))
    }

    /// Begins to wait for a manifest.
    func awaitCommit(of run: Run, group: String? = nil, timeout: UInt64? = nil) -> Promise<Result<Message, ArtifactError>> {
        handle(.waitCommit(WaitCommit(runID: run.id, group: group, timeout: timeout)))
    }

    /// Waits until there is a manifest, or cannot be one.
    func commitWaited(_ run: Run, group: String? = nil, timeout: UInt64? = nil) throws -> CommitWaited {
        guard case .commitWaited(let waited) = try awaitCommit(of: run, group: group, timeout: timeout).wait().get() else {
            throw SupportError("no answer to the wait")
        }
        return waited
    }

    func page(of run: Run, path: String? = nil, after: String? = nil, limit: UInt32 = 1000) throws -> Artifacts {
        let request = ListArtifacts(runID: run.id, path: path, after: after, limit: limit)
        guard case .artifacts(let page) = try answer(.listArtifacts(request)) else { throw SupportError("no artifacts") }
        return page
    }

    /// Carries a request out, to its answer.
    func answer(_ request: Message) throws -> Message { try handle(request).wait().get() }

    /// Whether the store has all that the journal knows of runs.
    func hasWrittenRuns() throws -> Bool {
        try journal.experimentsToConfirm(limit: 10).isEmpty && journal.runsToWrite(limit: 1).isEmpty
    }

    /// The run as it is now.
    func run(_ id: String) throws -> Run {
        guard case .run(let run) = try answer(.getRun(GetRun(runID: id))) else { throw SupportError("no run") }
        return run
    }
}

extension MemoryStore {
    /// Writes an object behind everybody's back.
    func plant(_ text: String, at key: String) throws {
        try RegistryStore(session: makeSession()).write(bytes: Array(text.utf8), at: try ObjectKey(key))
    }

    /// An object that is a JSON document.
    func document(_ key: String) throws -> [String: Any] {
        guard let bytes = bytes(of: key) else { throw SupportError("there is no '\(key)'") }
        guard let document = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
            throw SupportError("'\(key)' is no object")
        }
        return document
    }

    /// The paths that a document with a list of artifacts names, in its order.
    func paths(in key: String) throws -> [String] {
        guard let artifacts = try document(key)["artifacts"] as? [[String: Any]] else { throw SupportError("no artifacts") }
        return artifacts.compactMap { $0["path"] as? String }
    }

    /// Everything that is there below a prefix.
    func keys(below prefix: String) throws -> [String] {
        try makeSession().list(prefix: prefix, after: nil, limit: 1000).entries.map(\.key)
    }
}
