import ArtifactModel
import ArtifactWire
import Journal
import ObjectStore
import TestSupport
import Testing

@testable import DaemonCore

/// Groups over several daemons whose members do not agree.
@Suite struct RegistrarGroupsTests {
    /// A group whose members disagree on their number is a conflict for all of them, which names both numbers, however often they ask;
    /// nobody waits for members that nobody means.
    /// - Parameter second: the number of members, and the member, of the node that is first in the store.
    @Test(arguments: [(2, (3, 1)), (4, (2, 1)), (1, (8, 5))] as [(UInt32, (members: UInt32, member: UInt32))])
    func membersMustAgree(first: UInt32, second: (members: UInt32, member: UInt32)) throws {
        let store = MemoryStore()
        let rigs = [try Rig(store), try Rig(store)]
        let members = [first, second.members]
        let run = try rigs[1].startRun(id: "r")
        try rigs[1].commit(run, second.member, of: second.members)
        let key = "experiments/\(run.experimentID)/runs/r/groups/g/\(second.member).json"
        try rigs[1].log.wait("its document") { store.bytes(of: key) != nil }
        try rigs[0].commit(try rigs[0].startRun(id: "r"), 0, of: first)
        for (index, rig) in rigs.enumerated() {
            for _ in 0..<2 {
                let waited = try rig.commitWaited(try rig.run("r"), group: "g")
                #expect(!waited.isCommitted && waited.missing == [])
                let error = try #require(waited.error)
                #expect(error.code == .conflict)
                #expect(error.message.contains("has \(members[1 - index]) members"), "\(error)")
                #expect(error.message.contains("and \(members[index]) by what was said here"), "\(error)")
            }
        }
        #expect(try store.keys(below: "experiments/").allSatisfy { !$0.hasSuffix("commit.json") })
        for rig in rigs { #expect(try rig.finish() == []) }
    }

    /// A group commits once: a member of another node that comes later with other content, or with another number, is refused, and what
    /// is committed stays.
    @Test(arguments: [1, 3] as [UInt32])
    func aGroupCommitsOnce(members: UInt32) throws {
        let store = MemoryStore()
        let (here, there) = (try Rig(store), try Rig(store))
        let run = try here.startRun(id: "r")
        try here.put("1", in: run, at: "a", member: GroupMember(group: "g", number: 0))
        try here.commit(run, 0, of: 1)
        #expect(try here.commitWaited(run, group: "g").isCommitted)
        let base = "experiments/\(run.experimentID)/runs/r/groups/g"
        let committed = try #require(store.bytes(of: "\(base)/commit.json"))
        let member = store.bytes(of: "\(base)/0.json")
        _ = try there.startRun(id: "r")
        try there.put("2", in: run, at: "a", member: GroupMember(group: "g", number: 0))
        try there.commit(run, 0, of: members)
        for _ in 0..<2 {
            let waited = try there.commitWaited(run, group: "g")
            #expect(!waited.isCommitted && waited.error?.code == .conflict)
            #expect(waited.error?.message.contains("use another group") == true)
        }
        #expect(store.bytes(of: "\(base)/commit.json") == committed)
        #expect(store.bytes(of: "\(base)/0.json") == member)
        // Here, where it was committed, it still is.
        #expect(try here.commitWaited(run, group: "g").isCommitted)
        for rig in [here, there] { #expect(try rig.finish() == []) }
    }

    /// What is handed over to a group that is committed is refused before any of it is stored.
    @Test func aCommittedGroupTakesNothing() throws {
        let rig = try Rig()
        let run = try rig.startRun(id: "r")
        let member = GroupMember(group: "g", number: 0)
        try rig.put("1", in: run, at: "a", member: member)
        try rig.commit(run, 0, of: 1)
        #expect(try rig.commitWaited(run, group: "g").isCommitted)
        let error = try #require(failure { try rig.put("2", in: run, at: "a", member: member) })
        #expect(error.code == .conflict && error.message.contains("group 'g' of run 'r' is committed"), "\(error)")
        let other = try rig.put("3", in: run, at: "a", member: GroupMember(group: "h", number: 0))
        #expect(try rig.end(of: other).state == .stored)
        #expect(try rig.finish() == [])
    }

    /// Who has no member of a group can ask whether it is committed all the same.
    @Test func aGroupOfOtherNodes() throws {
        let store = MemoryStore()
        let (here, there) = (try Rig(store), try Rig(store))
        let run = try here.startRun(id: "r")
        _ = try there.startRun(id: "r")
        try there.log.wait("the run is written") { try there.hasWrittenRuns() }
        #expect(failure { _ = try there.commitWaited(run, group: "g") }?.code == .notFound)
        try here.put("1", in: run, at: "a", member: GroupMember(group: "g", number: 0))
        try here.commit(run, 0, of: 1)
        #expect(try here.commitWaited(run, group: "g").isCommitted)
        #expect(try there.commitWaited(run, group: "g").isCommitted)
        for rig in [here, there] { #expect(try rig.finish() == []) }
    }

    /// While members are missing each document of another node is read once, not at every look.
    @Test func documentsAreReadOnce() throws {
        let rig = try Rig()
        let run = try rig.startRun(id: "r")
        for member in 0..<3 as Range<UInt32> {
            try rig.commit(run, member, of: 4)
            #expect(try rig.commitWaited(run, group: "g", timeout: 1).missing == Array(member + 1..<4))
        }
        let reads = rig.store.calls.filter { $0.operation == .get && $0.key.hasSuffix("/groups/g/0.json") }
        #expect(reads.count == 1)
        try rig.commit(run, 3, of: 4)
        #expect(try rig.commitWaited(run, group: "g").isCommitted)
        #expect(try rig.finish() == [])
    }
}
