import ArtifactModel
import ArtifactWire

/// Messages about experiments, runs and their artifacts.
extension RandomMessage {
    mutating func experimentMessage(_ type: MessageType) -> Message {
        switch type {
        case .createExperiment:
            .createExperiment(
                CreateExperiment(name: name(), description: text(), tags: tags(), artifactLocation: maybe { $0.text() }))
        case .experimentCreated: .experimentCreated(experiment())
        case .getExperiment: .getExperiment(GetExperiment(reference()))
        case .experiment: .experiment(experiment())
        case .listExperiments:
            .listExperiments(
                ListExperiments(search: maybe { $0.text() }, stage: maybe { $0.choice() }, limit: limit(), offset: number()))
        case .experiments: .experiments(Experiments(experiments: list { $0.experiment() }, total: number()))
        case .updateExperiment:
            .updateExperiment(
                UpdateExperiment(
                    id: uuid(), description: maybe { $0.text() }, tags: tagChanges(), stage: maybe { $0.choice() }))
        default: .experimentUpdated(experiment())
        }
    }

    mutating func runMessage(_ type: MessageType) -> Message {
        switch type {
        case .startRun:
            .startRun(
                StartRun(
                    experiment: reference(), runID: maybe { $0.runID() }, name: text(), description: text(), tags: tags()))
        case .runStarted: .runStarted(run())
        case .getRun: .getRun(GetRun(runID: runID()))
        case .run: .run(run())
        case .listRuns:
            .listRuns(
                ListRuns(
                    experimentID: maybe { $0.uuid() }, status: maybe { $0.choice() }, search: maybe { $0.text() }, limit: limit(),
                    offset: number()))
        case .runs: .runs(Runs(runs: list { $0.run() }, total: number()))
        case .endRun: .endRun(EndRun(runID: runID(), status: flag() ? .finished : flag() ? .failed : .killed))
        default: .runEnded(run())
        }
    }

    mutating func artifactsMessage(_ type: MessageType) -> Message {
        switch type {
        case .commit: .commit(Commit(runID: runID(), scope: flag() ? .run : memberScope()))
        case .committing: .committing
        case .waitCommit:
            .waitCommit(WaitCommit(runID: runID(), group: maybe { $0.group() }, timeout: maybe { $0.number() }))
        case .commitWaited:
            .commitWaited(
                CommitWaited(
                    isCommitted: flag(), pending: number(), failed: number(), missing: list { $0.number32() },
                    error: maybe { $0.error() }))
        case .listArtifacts:
            .listArtifacts(
                ListArtifacts(
                    runID: runID(), path: maybe { $0.text() }, kind: maybe { $0.choice() }, after: maybe { $0.text() },
                    limit: limit()))
        case .artifacts:
            .artifacts(
                Artifacts(artifacts: list { $0.artifact() }, next: maybe { $0.text() }, incomplete: maybe { $0.error() }))
        case .deleteArtifacts: .deleteArtifacts(DeleteArtifacts(runID: runID(), path: text(), isRecursive: flag()))
        default: .artifactsDeleted(ArtifactsDeleted(count: number()))
        }
    }

    mutating func place() -> ArtifactPlace {
        ArtifactPlace(runID: runID(), path: text(), member: maybe { $0.member(of: 10_000) })
    }

    private mutating func experiment() -> Experiment {
        Experiment(
            id: text(), tenant: text(), name: text(), description: text(), tags: tags(), artifactLocation: text(),
            stage: choice(), createdAt: Int64(bitPattern: number()), updatedAt: Int64(bitPattern: number()),
            isProvisional: flag())
    }

    private mutating func run() -> Run {
        Run(
            id: text(), experimentID: text(), tenant: text(), name: text(), description: text(), tags: tags(), status: choice(),
            startedAt: Int64(bitPattern: number()), endedAt: maybe { Int64(bitPattern: $0.number()) }, artifactURI: text(),
            isProvisional: flag())
    }

    private mutating func artifact() -> ArtifactRecord {
        ArtifactRecord(
            path: text(), uri: text(), size: maybe { $0.number() }, kind: choice(), contentType: text(), state: choice(),
            checksum: maybe { $0.text() }, encoding: maybe { $0.choice() }, storedSize: maybe { $0.number() },
            etag: maybe { $0.text() }, updatedAt: Int64(bitPattern: number()), job: maybe { $0.id() }, error: maybe { $0.error() }
        )
    }

    private mutating func memberScope() -> Commit.Scope {
        let count = UInt32.random(in: 1...10_000, using: &generator)
        return .member(member(of: count), of: count)
    }

    private mutating func member(of count: UInt32) -> GroupMember {
        GroupMember(group: group(), number: .random(in: 0..<count, using: &generator))
    }

    private mutating func reference() -> ExperimentReference { flag() ? .id(uuid()) : .name(name()) }

    private mutating func limit() -> UInt32 { .random(in: 1...1000, using: &generator) }

    private mutating func tags() -> [String: String] {
        var tags: [String: String] = [:]
        for _ in 0..<Int.random(in: 0...5, using: &generator) { tags[name()] = text() }
        return tags
    }

    private mutating func tagChanges() -> [String: String?] {
        var changes: [String: String?] = [:]
        for _ in 0..<Int.random(in: 0...5, using: &generator) { changes.updateValue(maybe { $0.text() }, forKey: name()) }
        return changes
    }

    /// Text without control characters, which is not empty.
    private mutating func name() -> String {
        let scalars = text().unicodeScalars.filter { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
        return "n" + String(String.UnicodeScalarView(scalars))
    }

    private mutating func uuid() -> String { id().description }

    private mutating func runID() -> String { characters("AZaz09-_", count: 1...64) }

    private mutating func group() -> String { "g" + characters("AZaz09-_.", count: 0...127) }

    private mutating func characters(_ characters: String, count: ClosedRange<Int>) -> String {
        String((0..<Int.random(in: count, using: &generator)).compactMap { _ in characters.randomElement(using: &generator) })
    }
}
