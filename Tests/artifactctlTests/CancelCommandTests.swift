import ArtifactModel
import ArtifactWire
import ScriptedDaemon
import TestSupport
import Testing

@testable import artifactctl

@Suite("CancelCommand", .timeLimit(.minutes(1)))
struct CancelCommandTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private static func id(_ number: UInt64) -> JobID { JobID(high: 0, low: number) }

    /// A job that is not there is named and the others are cancelled all the same; the status tells.
    @Test func goesOnBesideMissingJob() throws {
        let run = try CommandRun(["cancel"] + (1...3).map { Self.id($0).description }, at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                guard case .cancel(let cancel) = request.message else { throw ScriptedDaemon.Failure("\(request.message)") }
                let isMissing = cancel.id == Self.id(2)
                try peer.answer(
                    request,
                    isMissing
                        ? .error(ErrorMessage(ArtifactError(.notFound, "there is no job \(cancel.id)")))
                        : .cancelled(Cancelled(state: .cancelled)))
            }
        }
        #expect(run.status == .failed)
        #expect(run.lines == ["\(Self.id(1))  cancelled", "\(Self.id(3))  cancelled"])
        #expect(run.complaints == ["artifactctl: there is no job \(Self.id(2))"])
    }

    /// A job that was stored before is stored still: not what was asked for.
    @Test func tellsWhatCannotBeCancelled() throws {
        let run = try CommandRun(["cancel", Self.id(1).description], at: place) { peer in
            try peer.greet()
            try peer.answer(try peer.expect(), .cancelled(Cancelled(state: .stored)))
        }
        #expect(run.status == .failed && run.lines == ["\(Self.id(1))  stored"])
    }

    /// --failed cancels all that stand as failed, over all pages, and nothing else.
    @Test func cancelsAllThatFailed() throws {
        let run = try CommandRun(["cancel", "--failed", "--json"], at: place) { peer in
            try peer.greet()
            while let request = try peer.next() {
                switch request.message {
                case .listJobs(let list):
                    guard list.states == [.failed] else { throw ScriptedDaemon.Failure("\(list)") }
                    let number = UInt64(list.after ?? 0) + 1
                    let record = JobRecord(
                        id: Self.id(number), sequence: Int64(number), uid: 0, tenant: "acme", destination: "s3://b/x", label: "",
                        size: 0, state: .failed, level: .accepted, pin: .link, compression: .none, kind: .other,
                        contentType: "text/plain", acceptedAt: 0, updatedAt: 0)
                    try peer.answer(request, .jobs(Jobs(records: [record], next: number < 3 ? Int64(number) : nil)))
                case .cancel: try peer.answer(request, .cancelled(Cancelled(state: .cancelled)))
                default: throw ScriptedDaemon.Failure("\(request.message)")
                }
            }
        }
        #expect(run.status == .done && run.complaints.isEmpty)
        #expect(run.lines == (1...3 as ClosedRange<UInt64>).map { #"{"id":"\#(Self.id($0))","state":"cancelled"}"# })
    }
}
