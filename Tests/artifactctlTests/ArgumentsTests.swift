import ArgumentParser
import ArtifactModel
import Testing

@testable import artifactctl

@Suite("Arguments")
struct ArgumentsTests {
    private func command<Command: ControlCommand>(_ line: String, as type: Command.Type) throws -> Command {
        try #require(try ArtifactCtl.parseAsRoot(line.split(separator: " ").map(String.init)) as? Command)
    }

    /// The global options count before and behind the command's name.
    @Test(arguments: ["--socket /s --json status", "status --socket /s --json", "--json status --socket /s"])
    func takesGlobalOptionsAnywhere(_ line: String) throws {
        let options = try command(line, as: StatusCommand.self).options
        #expect(options.socket == "/s" && options.json)
    }

    /// Names are those of the model.
    @Test func readsNames() throws {
        let put = try command(
            "put a b -r --to p/ --compression zstd --ack durable --on-change restart", as: PutCommand.self)
        #expect(put.paths == ["a", "b"] && put.handOver.recursive && put.destination == "p/")
        #expect(put.handOver.compression == .zstd && put.handOver.level == .durable && put.handOver.changePolicy == .restart)
        #expect(try command("put a --to b", as: PutCommand.self).handOver.level == .accepted)
        #expect(try command("jobs --state failed --state cancelled", as: JobsCommand.self).states == [.failed, .cancelled])
    }

    /// A run's artifacts are listed by naming the run alone; options count wherever they stand, the global ones too.
    @Test(arguments: [
        "artifacts 7 --kind model --json --socket /s", "--json --socket /s artifacts --kind model 7",
        "artifacts --json list --socket /s 7 --kind model",
    ])
    func listsArtifactsUnlessToldOtherwise(_ line: String) throws {
        let list = try command(line, as: ListArtifactsCommand.self)
        #expect(list.runID == "7" && list.kind == .model && list.options.json && list.options.socket == "/s")
    }

    /// A tag's key ends at the first `=`; what follows is the value, whatever it is.
    @Test func readsTags() throws {
        let create = try command("experiments create n --tag a=1 --tag b= --tag c==x=", as: CreateExperimentCommand.self)
        #expect(create.tags.values == ["a": "1", "b": "", "c": "=x="])
    }

    /// Texts may begin with a dash.
    @Test func readsTextsThatLookLikeOptions() throws {
        let start = try command("runs start e --name -1 --description --hm --tag -k=-v", as: StartRunCommand.self)
        #expect(start.name == "-1" && start.description == "--hm" && start.tags.values == ["-k": "-v"])
    }

    /// A wrong command line is a wrong usage, whatever is wrong with it.
    @Test(arguments: [
        "put", "put a", "put --to p/", "put a b --to key", "put a --to p/ --compression lzma", "put a --to p/ --ack soon",
        "put a b --to p/ --idempotency-key k", "put a --to p/ --busy-timeout -1", "status --interval 0", "jobs --limit 0",
        "jobs --newest",
        "jobs --state done", "job 12", "job", "wait --timeout -1", "wait x", "cancel", "retry",
        "cancel --failed 01890000-0000-7000-8000-000000000000", "jobs --limit", "get uri --json --output -", "get uri --output=",
        "retry --failed 01890000-0000-7000-8000-000000000000", "ls", "get", "get uri --json", "rm", "nonsense",
        "experiments list --stage old", "experiments list --offset -1", "experiments create", "experiments create n --tag k",
        "experiments create n --tag =v", "experiments create n --tag k=1 --tag k=2", "experiments get", "experiments update n",
        "experiments update n --tag k=1 --remove-tag k", "experiments archive", "experiments restore", "runs list --status done",
        "runs start", "runs end r --status running", "runs wait", "runs wait r --timeout -1", "artifacts",
        "artifacts r --kind pt",
        "artifacts put r", "artifacts put r a b --to one", "artifacts put r a b --idempotency-key k", "artifacts get r",
        "artifacts get r p --json", "artifacts rm r", "artifacts rm r p --all",
    ])
    func refusesWrongUsage(_ line: String) throws {
        let error = try #require(throws: (any Error).self) {
            _ = try ArtifactCtl.parseAsRoot(line.split(separator: " ").map(String.init))
        }
        #expect(ArtifactCtl.exitCode(for: error) == .validationFailure)
    }

    /// A socket or a tenant that cannot be is a wrong usage, whatever the command, and the option is named.
    @Test(
        arguments: [
            (["--socket", ""], "--socket is empty"),
            (["--socket", "/" + String(repeating: "s", count: 107)], "--socket is 108 bytes long"),
            (["--tenant", ""], "--tenant '' is no tenant"), (["--tenant", "a b"], "--tenant 'a b' is no tenant"),
            (["--tenant", "\u{E9}"], "is no tenant"), (["--tenant", String(repeating: "t", count: 129)], "is no tenant"),
        ])
    func refusesPlacesThatCannotBe(_ options: [String], _ message: String) throws {
        for line in [options + ["status"], ["jobs"] + options, ["runs", "list"] + options] {
            let error = try #require(throws: (any Error).self) { _ = try ArtifactCtl.parseAsRoot(line) }
            #expect(ArtifactCtl.exitCode(for: error) == .validationFailure)
            #expect(ArtifactCtl.fullMessage(for: error).contains(message))
        }
    }

    /// The longest socket and every letter that a tenant may have.
    @Test func takesPlacesThatCanBe() throws {
        let socket = "/" + String(repeating: "s", count: 106)
        let options = try command("--socket \(socket) --tenant AZaz09-_. status", as: StatusCommand.self).options
        #expect(options.socket == socket && options.tenant == "AZaz09-_.")
    }

    /// A number that is out of range is called that, with the option and the range, though it looks like an option itself.
    @Test(
        arguments: [
            ("jobs --limit -1", "--limit must be at least 1"),
            ("wait --timeout -5", "--timeout must be from 0 to 1000000000 seconds"),
            ("runs list --limit -1", "--limit must be at least 1"),
            ("experiments list --offset -1", "--offset must be at least 0"),
            ("runs wait r --timeout -5", "--timeout must be from 0 to 1000000000 seconds"),
            ("put a --to b --busy-timeout -3", "--busy-timeout must be from 0 to 1000000000 seconds"),
            ("status --interval -3", "--interval must be from 0.1 to 86400 seconds"),
        ])
    func namesTheRange(_ line: String, _ message: String) throws {
        let error = try #require(throws: (any Error).self) {
            _ = try ArtifactCtl.parseAsRoot(line.split(separator: " ").map(String.init))
        }
        #expect(ArtifactCtl.fullMessage(for: error).contains(message))
    }

    /// The help says of each choice what it means, and shows no number that stands for a name.
    @Test func explainsChoices() {
        let commands: [any ParsableCommand.Type] = [
            PutCommand.self, JobsCommand.self, ListRunsCommand.self, EndRunCommand.self, ListArtifactsCommand.self,
        ]
        for help in commands.map({ ArtifactCtl.helpMessage(for: $0) }) {
            #expect(!help.split(separator: "\n").contains { $0.hasSuffix(" - ") } && !help.contains("default: 1)"))
        }
        let put = ArtifactCtl.helpMessage(for: PutCommand.self)
        #expect(put.contains("stored            - the object is complete in the store"))
    }
}
