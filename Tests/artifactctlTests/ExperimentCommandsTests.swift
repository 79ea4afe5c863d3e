import ArtifactModel
import ArtifactWire
import TestSupport
import Testing

@testable import artifactctl

@Suite("Experiment commands", .timeLimit(.minutes(1)))
struct ExperimentCommandsTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private static let line = #"\#(RegistryRun.id)  active   1970-01-01T00:00:00Z  fraud \u{1b}[2J"#
    private static let document = """
        {"artifact_location":"s3://bucket/e","created_at":0,"description":"two\\nlines","id":"\(RegistryRun.id)",\
        "lifecycle_stage":"active","name":"fraud \\u001b[2J","provisional":false,"tags":{"a":"","teamName":"risk"},\
        "tenant":"acme","updated_at":1000}
        """

    private func run(
        _ arguments: [String], answer: @escaping @Sendable (Message) throws -> Message? = { _ in nil }
    ) throws -> RegistryRun {
        try RegistryRun(["experiments"] + arguments, at: place, answer: answer)
    }

    /// Pages are followed to the end though they are shorter than asked for, and --offset and --limit hold over all of them.
    @Test(
        arguments: [
            ([], 0...6), (["--offset", "2"], 2...6), (["--limit", "3"], 0...2), (["--offset", "1", "--limit", "4"], 1...4),
            (["--limit", "99"], 0...6),
        ] as [([String], ClosedRange<Int>)])
    func followsPages(_ options: [String], _ expected: ClosedRange<Int>) throws {
        let run = try run(["list", "--search", "fra"] + options) { message in
            guard case .listExperiments(let list) = message else { return nil }
            let page = (0..<7).dropFirst(Int(list.offset)).prefix(min(2, Int(list.limit))).map { number in
                var experiment = RegistryRun.experiment
                experiment.name = "\(number)"
                return experiment
            }
            return .experiments(Experiments(experiments: page, total: 7))
        }
        #expect(run.status == .done)
        #expect(run.lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } } == Array(expected))
        for case .listExperiments(let list) in run.requests { #expect(list.search == "fra" && list.stage == .active) }
    }

    /// What is archived is listed on request.
    @Test(arguments: [("active", LifecycleStage.active), ("deleted", .deleted), ("all", nil)])
    func choosesStage(_ name: String, _ stage: LifecycleStage?) throws {
        let run = try run(["list", "--stage", name]) { _ in .experiments(Experiments(experiments: [], total: 0)) }
        #expect(run.status == .done && run.lines.isEmpty)
        #expect(run.requests == [.listExperiments(ListExperiments(stage: stage, limit: 1000))])
    }

    /// One line each for people, without what a terminal would obey, and one document each for scripts, with tags as they are.
    @Test(arguments: [false, true]) func writesLines(json: Bool) throws {
        let run = try run(["list"] + (json ? ["--json"] : [])) { _ in
            .experiments(Experiments(experiments: [RegistryRun.experiment], total: 1))
        }
        #expect(run.lines == [json ? Self.document : Self.line])
    }

    /// All that the protocol takes can be said, and the id alone is written, for a script to keep.
    @Test(arguments: [false, true]) func creates(json: Bool) throws {
        let arguments = [
            "create", "fraud", "--description", "why", "--tag", "a=1", "--tag", "b=2", "--location", "s3://bucket/e",
        ]
        let run = try run(arguments + (json ? ["--json"] : [])) { _ in .experimentCreated(RegistryRun.experiment) }
        let request = CreateExperiment(
            name: "fraud", description: "why", tags: ["a": "1", "b": "2"], artifactLocation: "s3://bucket/e")
        #expect(run.requests == [.createExperiment(request)])
        #expect(run.lines == [json ? Self.document : RegistryRun.id])
    }

    /// A name that is taken is refused with the daemon's reason.
    @Test func saysThatNameIsTaken() throws {
        let run = try run(["create", "fraud"]) { _ in RegistryRun.refusal(.conflict, "'fraud' is archived; restore it") }
        #expect(run.status == .failed && run.complaints == ["artifactctl: 'fraud' is archived; restore it"])
    }

    /// An experiment is found by its id, in whatever case, and by its name; everything known of it is shown.
    @Test(arguments: [RegistryRun.id, RegistryRun.id.uppercased(), "fraud"]) func shows(_ called: String) throws {
        let run = try run(["get", called])
        #expect(
            run.lines == [
                "id            \(RegistryRun.id)", #"name          fraud \u{1b}[2J"#, "stage         active",
                #"description   two\nlines"#, "tag           a=", "tag           teamName=risk", "location      s3://bucket/e",
                "tenant        acme", "created       1970-01-01T00:00:00Z", "updated       1970-01-01T00:00:01Z",
            ])
        #expect(run.requests == [.getExperiment(GetExperiment(called == "fraud" ? .name("fraud") : .id(RegistryRun.id)))])
    }

    /// A name that looks like an id is found too; one that is neither is named, and the status is 1.
    @Test(arguments: [false, true]) func findsNameThatLooksLikeID(isThere: Bool) throws {
        let name = "00000000-0000-0000-0000-000000000000"
        let run = try run(["get", name, "--json"]) { message in
            guard isThere, message == .getExperiment(GetExperiment(.name(name))) else { return nil }
            return .experiment(RegistryRun.experiment)
        }
        #expect(run.status == (isThere ? .done : .failed))
        let error = #"{"error":{"code":"not_found","message":"there is no such experiment"}}"#
        #expect(run.lines == [isThere ? Self.document : error])
    }

    /// What is named changes, by the experiment's id; the rest is not mentioned.
    @Test(
        arguments: [
            (["update", "fraud", "--description", ""], UpdateExperiment(id: RegistryRun.id, description: "")),
            (
                ["update", "fraud", "--tag", "a=1", "--remove-tag", "b"],
                UpdateExperiment(id: RegistryRun.id, tags: ["a": "1", "b": nil] as [String: String?])
            ),
            (["archive", RegistryRun.id], UpdateExperiment(id: RegistryRun.id, stage: .deleted)),
            (["restore", "fraud"], UpdateExperiment(id: RegistryRun.id, stage: .active)),
        ] as [([String], UpdateExperiment)])
    func changes(_ arguments: [String], _ request: UpdateExperiment) throws {
        let run = try run(arguments) { message in
            guard case .updateExperiment = message else { return nil }
            return .experimentUpdated(RegistryRun.experiment)
        }
        #expect(run.status == .done && run.lines == [Self.line])
        #expect(run.requests.last == .updateExperiment(request))
    }
}
