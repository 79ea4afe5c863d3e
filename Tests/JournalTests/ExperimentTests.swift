import ArtifactModel
import Testing

@testable import Journal

@Suite struct ExperimentTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// An experiment is read back as it was made, by id and by name; a second one of that id changes nothing.
    @Test(arguments: [false, true])
    func create(isProvisional: Bool) throws {
        var experiment = Experiment.sample("it's \"caf\u{E9}\"", isProvisional: isProvisional)
        experiment.tags = ["a/b": "\u{1F600}\n", "\"": "\\", "": ""]
        try scratch.withJournal { journal throws in
            #expect(try journal.createExperiment(experiment))
            var second = experiment
            second.description = "another"
            #expect(try !journal.createExperiment(second))
            #expect(try journal.experiment(id: experiment.id) == experiment)
            #expect(try journal.experiment(tenant: "acme-corp", name: "it's \"caf\u{E9}\"") == experiment)
            #expect(try journal.statesToWrite(limit: 10).isEmpty)
        }
    }

    /// Names are told apart by their bytes, and by tenant.
    @Test func namesAreBytes() throws {
        try scratch.withJournal { journal throws in
            #expect(try journal.createExperiment(.sample("caf\u{E9}")))
            for (tenant, name) in [("acme-corp", "cafe\u{301}"), ("acme-corp", "Caf\u{E9}"), ("other", "caf\u{E9}")] {
                #expect(try journal.experiment(tenant: tenant, name: name) == nil)
            }
            #expect(try journal.experiment(id: "id-of-cafe\u{301}") == nil)
        }
    }

    /// A listing holds what every part of the query asks for, by rising bytes of the name, and counts all of it. A search takes
    /// any letters in either case, and nothing in it is a wildcard.
    @Test func listing() throws {
        try scratch.withJournal { journal throws in
            for name in ["b", "B", "\u{C4}pfel 100%", "a_c", "abc", "zoo"] {
                #expect(try journal.createExperiment(.sample(name)))
            }
            #expect(try journal.createExperiment(.sample("foreign", tenant: "other")))
            _ = try journal.updateExperiment("id-of-zoo", description: nil, tags: [], stage: .deleted, at: 9)
            func listed(_ query: ExperimentQuery) throws -> [String] {
                let (page, total) = try journal.experiments(query)
                return page.map(\.name) + ["\(total)"]
            }
            let all = ["B", "a_c", "abc", "b", "zoo", "\u{C4}pfel 100%"]
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", limit: 10)) == all + ["6"])
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", limit: 2, offset: 1)) == ["a_c", "abc", "6"])
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", limit: 2, offset: 6)) == ["6"])
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", stage: .deleted, limit: 10)) == ["zoo", "1"])
            #expect(
                try listed(ExperimentQuery(tenant: "acme-corp", search: "B", stage: .active, limit: 10)) == [
                    "B", "abc", "b", "3",
                ])
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", search: "_", limit: 10)) == ["a_c", "1"])
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", search: "%", limit: 10)) == ["\u{C4}pfel 100%", "1"])
            #expect(try listed(ExperimentQuery(tenant: "acme-corp", search: "\u{E4}PF", limit: 10)) == ["\u{C4}pfel 100%", "1"])
            #expect(try listed(ExperimentQuery(tenant: "nobody", limit: 10)) == ["0"])
        }
    }

    /// A change sets what it names, removes tags without a value, leaves the rest, and moves the time on even within a
    /// millisecond.
    @Test func update() throws {
        try scratch.withJournal { journal throws in
            var expected = Experiment.sample()
            #expect(try journal.createExperiment(expected))
            expected.tags = ["new": "1"]
            expected.updatedAt = 50
            let tags: [(key: String, value: String?)] = [("team", nil), ("new", "0"), ("new", "1"), ("none", nil)]
            #expect(try journal.updateExperiment(expected.id, description: nil, tags: tags, stage: nil, at: 50) == expected)
            expected.description = ""
            expected.stage = .deleted
            expected.updatedAt = 51
            #expect(try journal.updateExperiment(expected.id, description: "", tags: [], stage: .deleted, at: 50) == expected)
            #expect(try journal.experiment(id: expected.id) == expected)
            #expect(try journal.updateExperiment("none", description: "", tags: [], stage: nil, at: 50) == nil)
        }
    }

    /// A hundred tags are taken, one more is refused and nothing changed.
    @Test func tooManyTags() throws {
        try scratch.withJournal { journal throws in
            #expect(try journal.createExperiment(.sample()))
            let tags = (1..<100).map { (key: "\($0)", value: String?.some("v")) }
            let full = try #require(
                try journal.updateExperiment("id-of-fraud", description: nil, tags: tags, stage: nil, at: 9))
            #expect(full.tags.count == 100)
            let error = try #require(throws: ArtifactError.self) {
                try journal.updateExperiment("id-of-fraud", description: "x", tags: [("one more", "v")], stage: nil, at: 10)
            }
            #expect(error.code == .invalidRequest && error.message.contains("101"))
            #expect(try journal.experiment(id: "id-of-fraud") == full)
        }
    }

    /// What the store says of an experiment that is new here is confirmed, and there is nothing to write.
    @Test func learnNew() throws {
        try scratch.withJournal { journal throws in
            #expect(try journal.learnExperiment(.sample(isProvisional: true)) == .sample())
            #expect(try journal.experiment(id: "id-of-fraud") == .sample())
            #expect(try journal.experimentsToConfirm(limit: 10).isEmpty)
            #expect(try journal.statesToWrite(limit: 10).isEmpty)
        }
    }

    /// Of one that is here the state is taken over, and neither its place nor that it is unconfirmed.
    @Test(arguments: [false, true])
    func learnKnown(isProvisional: Bool) throws {
        try scratch.withJournal { journal throws in
            let known = Experiment.sample(isProvisional: isProvisional)
            #expect(try journal.createExperiment(known))
            var store = known
            store.description = "the store's"
            store.tags = ["s": "t"]
            store.stage = .deleted
            store.updatedAt = 70
            var said = store
            said.artifactLocation = "s3://elsewhere"
            said.isProvisional = false
            #expect(try journal.learnExperiment(said) == store)
            #expect(try journal.experiment(id: known.id) == store)
        }
    }

    /// A change that was made here and waits to be written is not lost to what the store says meanwhile.
    @Test func learnKeepsOwnChange() throws {
        try scratch.withJournal { journal throws in
            #expect(try journal.createExperiment(.sample()))
            let changed = try #require(
                try journal.updateExperiment("id-of-fraud", description: "ours", tags: [], stage: nil, at: 50))
            var store = Experiment.sample()
            store.description = "the store's"
            #expect(try journal.learnExperiment(store) == changed)
            #expect(try journal.statesToWrite(limit: 10) == [changed])
            try journal.stateWritten(changed)
            #expect(try journal.learnExperiment(store) == store)
        }
    }
}
