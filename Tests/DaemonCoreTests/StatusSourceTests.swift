import ArtifactModel
import ArtifactWire
import Foundation
import Glibc
import LinuxSystem
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct StatusSourceTests {
    private static func peer(_ tenant: String, choices: Set<String>? = nil) -> Peer {
        Peer(uid: 12345, gid: 12345, isAdmin: false, isOwnUser: false, tenant: tenant, choices: choices ?? [tenant])
    }

    private static func report(_ rig: Rig, for peer: Peer = Rig.peer) throws -> StatusReport {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(StatusReport.self, from: Data(try rig.status.report(for: peer).json.utf8))
    }

    /// Hands so many jobs of a tenant over, of 100 bytes each, and waits until they are stored.
    private static func store(_ count: Int, of tenant: String, in rig: Rig) throws {
        for number in 0..<count {
            let put = Put(
                destination: "\(tenant)/\(number)", source: .inline(Array(repeating: 7, count: 100)), level: .stored)
            _ = try rig.handle(.put(put), as: peer(tenant)).wait().get()
        }
    }

    /// An attempt that is repeated is told by status at once, of that store alone; what the store answers next ends it, be it to an
    /// upload, or only to the abort of one.
    @Test func statusTellsOfAnAttempt() throws {
        let rig = try Rig()
        let down = ArtifactError(.storeUnavailable, "scripted")
        func isWell() throws -> Bool { try Self.report(rig).daemon.storeCondition == "ok" }
        rig.dispatcher.storeStumbled(.s3(bucket: "another", prefix: ""), down)
        rig.dispatcher.storeStumbled(rig.store.location, ArtifactError(.checksumMismatch, "scripted"))
        #expect(try isWell())
        rig.dispatcher.storeStumbled(rig.store.location, down)
        #expect(try !isWell())
        #expect(try rig.end(of: try rig.put([1], to: "a", level: .stored)).state == .stored)
        #expect(try isWell())
        rig.store.setHook { [dispatcher = rig.dispatcher, location = rig.store.location] call throws(ArtifactError) in
            if call.operation == .uploadPart { throw ArtifactError(.storeRejected, "scripted") }
            if call.operation == .abortUpload { dispatcher.storeStumbled(location, down) }
        }
        let file = try System.open(try rig.file(prose(11 << 20)), O_RDONLY)
        let put = Put(destination: "b", source: .descriptor, compression: Compression.none)
        let job = try rig.submit(put, SharedDescriptor(file)).wait().get().id
        #expect(try rig.end(of: job).state == .failed)
        try rig.log.wait("the upload is aborted") { try rig.journal.uploadsToAbort().isEmpty && rig.store.openUploads == 0 }
        #expect(rig.store.calls.contains { $0.operation == .abortUpload })
        #expect(try isWell())
        rig.store.setHook(nil)
        #expect(try rig.finish() == [])
    }

    /// Each tenant's jobs are counted by themselves, and what was taken in and sent is measured once each. After a restart the jobs
    /// are there still, and what counts since the start begins anew.
    @Test func countsWork() throws {
        let first = try Rig()
        try Self.store(3, of: "acme", in: first)
        try Self.store(2, of: "beta", in: first)
        let report = try Self.report(first)
        #expect(report.tenants.map(\.tenant) == ["acme", "beta"] && report.tenants.map(\.jobs.stored) == [3, 2])
        #expect(report.throughput.bytesAccepted == 500 && report.throughput.bytesRead == 500)
        #expect(report.latencies.handOver.count == 5 && report.latencies.part.count == 5)
        #expect(report.latencies.handOver.sum > 0 && report.latencies.part.sum > 0)
        #expect(report.errors == [:] && report.journal.bytes > 0)
        let store = first.store
        #expect(try first.finish() == [])

        let second = try Rig(store, in: first.directory)
        let again = try Self.report(second)
        #expect(again.tenants == report.tenants)
        #expect(again.throughput.bytesAccepted == 0 && again.latencies.handOver.count == 0)
        try Self.store(1, of: "beta", in: second)
        #expect(try Self.report(second).tenants.map(\.jobs.stored) == [3, 3])
        #expect(try second.finish() == [])
    }

    /// Every part is measured, and one that is handed over again is no second job.
    @Test func measuresParts() throws {
        let rig = try Rig()
        let path = try rig.file(SeededBytes.make(seed: 3, count: (10 << 20) + 1))
        _ = try rig.end(of: try rig.put(file: path, to: "large"))
        let put = Put(destination: "twice", source: .inline([1]), level: .stored, idempotencyKey: [1])
        for _ in 0..<2 { _ = try rig.submit(put).wait().get() }
        let report = try Self.report(rig)
        #expect(report.latencies.part.count == 4 && report.latencies.handOver.count == 2)
        #expect(report.throughput.bytesAccepted == (10 << 20) + 2)
        #expect(try rig.finish() == [])
    }

    /// An attempt that fails counts once under its code, and no attempt that succeeds.
    @Test func countsFailedAttempts() throws {
        let rig = try Rig()
        rig.store.fail(next: .put, with: ArtifactError(.storeUnavailable, "scripted"), times: 2)
        rig.store.fail(next: .uploadPart, with: ArtifactError(.storeThrottled, "scripted"))
        let large = try rig.put(file: try rig.file(SeededBytes.make(seed: 4, count: 11 << 20)), to: "large")
        for id in [try rig.put([1], to: "small"), large] { #expect(try rig.end(of: id).state == .stored) }
        #expect(try Self.report(rig).errors == ["store_unavailable": 2, "store_throttled": 1])
        #expect(try rig.finish() == [])
    }

    /// So does each attempt at a document of the registry.
    @Test func countsFailedDocuments() throws {
        let rig = try Rig()
        let run = try rig.startRun()
        rig.store.fail(next: .put, with: ArtifactError(.storeUnavailable, "scripted"), times: 2)
        try rig.end(run)
        #expect(try rig.commitWaited(run).isCommitted)
        #expect(try Self.report(rig).errors == ["store_unavailable": 2])
        #expect(try rig.finish() == [])
    }

    /// A request that is refused counts under its error's code.
    @Test func countsRefusals() throws {
        let served = try ServedRig()
        let client = try served.client()
        for _ in 0..<3 { #expect(failure { _ = try client.call(.delete(Delete(uri: "none"))) }?.code == .notFound) }
        #expect(failure { _ = try client.call(.put(Put(destination: "a//b", source: .inline([1])))) }?.code == .invalidKey)
        #expect(try Self.report(served.rig).errors == ["not_found": 3, "invalid_key": 1])
        #expect(try served.finish() == [])
    }

    /// A store that answers and denies is not ok, until it takes something in again. A refusal that is one object's own is no
    /// trouble of the store's.
    @Test(arguments: [ArtifactError.Code.storeDenied, .noSuchBucket, .storeNotTrusted]) func tellsOfRefusals(
        code: ArtifactError.Code
    ) throws {
        let rig = try Rig()
        rig.store.fail(next: .put, with: ArtifactError(.storeRejected, "scripted"))
        #expect(try rig.end(of: try rig.put([1], to: "rejected")).state == .failed)
        #expect(try Self.report(rig).daemon.storeCondition == "ok")
        rig.store.fail(next: .put, with: ArtifactError(code, "scripted: no entry"))
        #expect(try rig.end(of: try rig.put([1], to: "refused")).state == .failed)
        let condition = try Self.report(rig).daemon.storeCondition
        #expect(condition.hasPrefix("\(code) since 20") && condition.hasSuffix("scripted: no entry"), "\(condition)")
        #expect(try rig.end(of: try rig.put([1], to: "taken")).state == .stored)
        #expect(try Self.report(rig).daemon.storeCondition == "ok")
        #expect(try rig.finish() == [])
    }

    // MARK: Tenants

    private static func counters(_ pending: UInt64, stored: UInt64 = 0) -> StateCounters {
        var counters = StateCounters()
        counters[.accepted] = StateCounters.Count(jobs: pending, bytes: pending)
        counters[.stored] = StateCounters.Count(jobs: stored, bytes: stored)
        return counters
    }

    /// A peer sees the tenants that it may act for, an administrator and one that may act for any all of them.
    @Test func showsOwnTenants() {
        let all = ["a": Self.counters(1), "b": Self.counters(3), "c": Self.counters(1)]
        func shown(_ peer: Peer) -> [String] { TenantList.make(all, for: peer).map(\.tenant) }
        #expect(shown(Rig.peer) == ["b", "a", "c"])
        #expect(shown(Self.peer("a")) == ["a"])
        #expect(shown(Self.peer("a", choices: ["a", "b", "d"])) == ["b", "a"])
        #expect(shown(Self.peer("nobody")) == [])
    }

    /// However many tenants there are, a hundred are shown, those with the most to do, and the rest is one sum under a name of its
    /// own.
    @Test func boundsTenants() throws {
        var many: [String: StateCounters] = [:]
        for number in 1...250 as ClosedRange<UInt64> { many["t\(number)"] = Self.counters(number, stored: 1) }
        many["other"] = Self.counters(1_000)
        let list = TenantList.make(many, for: Rig.peer)
        #expect(list.count == 101 && Set(list.map(\.tenant)).count == 101)
        #expect(list.first?.tenant == "t250" && list[99].tenant == "t151")
        let rest = try #require(list.last)
        #expect(rest.tenant == "other" && rest.jobs.accepted == 150 * 151 / 2 + 1_000 && rest.jobs.stored == 150)
    }

    /// The tenants that a peer may act for follow from the rules that are about it.
    @Test func policyDecides() throws {
        let rules = [
            PeerRule(subject: .uid(1000), tenants: ["acme", "beta"]), PeerRule(subject: .gid(2000), tenants: nil),
            PeerRule(subject: .gid(3000), tenants: ["gamma"]),
        ]
        func choices(_ uid: UInt32, _ rules: [PeerRule], groups: [UInt32] = []) throws -> Set<String>? {
            try PeerPolicy(rules: rules, ownUser: 500).admit(uid: uid, gid: 1, groups: groups, tenant: nil).choices
        }
        #expect(try choices(1000, rules) == ["acme", "beta"])
        #expect(try choices(1000, rules, groups: [3000]) == ["acme", "beta", "gamma"])
        #expect(try choices(7, rules, groups: [2000]) == nil && choices(500, rules) == nil && choices(0, []) == nil)
        #expect(try choices(1000, []) == ["default"])
    }
}
