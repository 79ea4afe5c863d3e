import ArtifactWire
import Testing

@testable import artifactctl

@Suite("StatusTable")
struct StatusTableTests {
    private static func report() -> StatusReport {
        var handOvers = Histogram(bounds: [0.00025, 0.0025])
        for seconds in [0.0001, 0.0002, 0.002] { handOvers.add(seconds) }
        return StatusReport(
            daemon: .init(
                version: "0.1.0", pid: 42, uptimeSeconds: 3_720, store: "s3://bucket/p", integrity: "crc32c", journal: "ok",
                storeCondition: "ok"),
            queue: .init(
                jobs: .init(accepted: 12, uploading: 3, stored: 99, failed: 1, cancelled: 0),
                bytes: .init(accepted: 2 << 20, uploading: 1 << 30, stored: 5 << 30, failed: 7, cancelled: 0),
                bytesPending: 3 << 29, limit: 100_000, oldestAcceptedAt: 1_700_000_000_000),
            tenants: [],
            workers: .init(active: 3, limit: 8, allowed: 4), buffers: .init(used: 24 << 20, limit: 64 << 20),
            spool: .init(used: 0, limit: 10 << 30), descriptors: .init(used: 5, limit: 512),
            connections: .init(used: 2, limit: 256),
            throughput: .init(
                bytesPerSecond: 2_097_152, bytesRead: 1 << 30, bytesSent: 1 << 29, retries: 4, bytesAccepted: 2 << 30),
            latencies: .init(handOver: handOvers, part: Histogram(bounds: [1, 120])), journal: .init(bytes: 5 << 20),
            errors: ["store_unavailable": 3],
            lastError: .init(
                code: "store_unavailable", message: "refused\u{1B}[31m", since: 1_700_000_000_000, job: nil),
            inFlight: [
                .init(id: "id-1", destination: "s3://bucket/p/x", size: 1 << 30, bytesDone: 1 << 29, etaSeconds: 90)
            ])
    }

    private static func text(_ report: StatusReport) -> String {
        StatusTable(report, now: 1_700_000_060_000).lines.joined(separator: "\n")
    }

    /// Everything that a person asks about first stands in the table, in words and human figures.
    @Test(arguments: [
        "artifactd 0.1.0, pid 42, up 1h02m", "s3://bucket/p, ok", "crc32c", "accepted          12    2.0 MiB",
        "15 of 100000 jobs, 1.5 GiB to go", "waiting for 1m00s, since 2023-11-14T22:13:20Z",
        "3 active, 4 allowed now, 8 at most", "24 MiB of 64 MiB", "2.0 MiB/s", "4 requests sent again",
        "journal      ok, 5.0 MiB", "hand-over    half within 250 µs, 99% within 2.5 ms, of 3",
        "store_unavailable since 2023-11-14T22:13:20Z (1m00s): refused",
        "id-1  [=======>        ]  50% of  1.0 GiB  ETA 1m30s   s3://bucket/p/x",
    ])
    func shows(_ text: String) { #expect(Self.text(Self.report()).contains(text)) }

    /// What took longer than the last bucket says so; of what never happened nothing is said.
    @Test func latencies() {
        var report = Self.report()
        #expect(!Self.text(report).contains("\npart "))
        for seconds in [0.5, 300] { report.latencies.part.add(seconds) }
        #expect(Self.text(report).contains("part         half within 1.0 s, 99% within more than 2m00s, of 2"))
    }

    /// Text from elsewhere steers no terminal.
    @Test func escapes() { #expect(!Self.text(Self.report()).contains("\u{1B}")) }

    /// An idle daemon shows no list of jobs and no oldest one.
    @Test func isShortWhenIdle() {
        var report = Self.report()
        report.inFlight = []
        report.lastError = nil
        report.queue.oldestAcceptedAt = nil
        let text = Self.text(report)
        #expect(!text.contains("in flight") && !text.contains("oldest") && text.contains("last error   none"))
    }

    /// However many jobs are in flight, the table stays on a screen and says how many it leaves out.
    @Test func cutsLongLists() {
        var report = Self.report()
        report.inFlight = Array(repeating: report.inFlight[0], count: 100)
        let table = StatusTable(report, now: 0)
        #expect(table.lines.count < 45 && table.lines.last == "  and 84 more")
    }

    // MARK: On a terminal

    private static func lines(_ jobs: Int, _ width: Int, _ height: Int) -> [String] {
        var report = report()
        report.lastError?.message = "the store does not answer; " + String(repeating: "see to it ", count: 10)
        report.inFlight = (0..<jobs).map { number in
            .init(
                id: "0198c0de-1234-7abc-8def-0123456789ab",
                destination: "s3://bucket/a/long/prefix/of/the/runs/7/model-\(number).pt",
                size: 1 << 30, bytesDone: 1 << 29, etaSeconds: 90)
        }
        return StatusTable(report, now: 1_700_000_060_000, room: .init(width: width, height: height)).lines
    }

    /// Whatever the terminal's size, no line is wider and there are no more lines.
    @Test(arguments: [1, 20, 40, 79, 80, 99, 132, 200], [1, 2, 12, 23, 60]) func fits(width: Int, height: Int) {
        for jobs in [0, 3, 100] {
            let lines = Self.lines(jobs, width, height)
            #expect(lines.count <= height && lines.allSatisfy { $0.count <= width })
        }
    }

    /// The time that is left and the end of the object's name stand there, however narrow; the figures give way.
    @Test(
        arguments: [
            (40, "   50%  ETA 1m30s   …e/runs/7/model-0.pt"),
            (79, "  0198c0de-1234-7abc-8def-0123456789ab   50%  ETA 1m30s   …he/runs/7/model-0.pt"),
            (99, "   50% of  1.0 GiB  ETA 1m30s   …fix/of/the/runs/7/model-0.pt"),
            (160, "  [=======>        ]  50% of  1.0 GiB  ETA 1m30s   s3://bucket/a/long/prefix/of/the/runs/7/model-0.pt"),
        ])
    func laysOutForTheWidth(_ width: Int, _ end: String) {
        let line = Self.lines(3, width, 60).first { $0.contains("model-0") }
        #expect(line?.hasSuffix(end) == true, "\(line ?? "none")")
    }

    /// The last line says how many lines more there are.
    @Test(arguments: [(100, 30), (0, 12)]) func saysHowManyLinesMore(jobs: Int, height: Int) {
        let all = Self.lines(jobs, 79, 1_000).count
        #expect(Self.lines(jobs, 79, height).last == "and \(all - height + 1) lines more")
        #expect(Self.lines(jobs, 79, all).count == all && Self.lines(jobs, 79, all).last?.contains("more") == false)
    }

    /// Long text goes on below itself: why something fails is not cut off.
    @Test func wrapsText() throws {
        let lines = Self.lines(0, 79, 60)
        let first = try #require(lines.firstIndex { $0.hasPrefix("last error") })
        #expect(lines.count > first + 1 && lines[(first + 1)...].allSatisfy { $0.hasPrefix("             ") })
        let text = lines[first...].map { $0.dropFirst(13) }.joined(separator: " ")
        #expect(text.hasSuffix("see to it see to it ") && text.contains("(1m00s): the store does not answer; see"))
    }
}
