import ArtifactWire
import Testing

@testable import artifactctl

@Suite("StatusTable")
struct StatusTableTests {
    private static func report() -> StatusReport {
        StatusReport(
            daemon: .init(
                version: "0.1.0", pid: 42, uptimeSeconds: 3_720, store: "s3://bucket/p", integrity: "crc32c", journal: "ok",
                storeCondition: "ok"),
            queue: .init(
                jobs: .init(accepted: 12, uploading: 3, stored: 99, failed: 1, cancelled: 0),
                bytes: .init(accepted: 2 << 20, uploading: 1 << 30, stored: 5 << 30, failed: 7, cancelled: 0),
                bytesPending: 3 << 29, limit: 100_000, oldestAcceptedAt: 1_700_000_000_000),
            workers: .init(active: 3, limit: 8, allowed: 4), buffers: .init(used: 24 << 20, limit: 64 << 20),
            spool: .init(used: 0, limit: 10 << 30), descriptors: .init(used: 5, limit: 512),
            connections: .init(used: 2, limit: 256),
            throughput: .init(bytesPerSecond: 2_097_152, bytesRead: 1 << 30, bytesSent: 1 << 29, retries: 4),
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
        "store_unavailable since 2023-11-14T22:13:20Z (1m00s): refused",
        "id-1  [=======>        ]  50% of  1.0 GiB  ETA 1m30s   s3://bucket/p/x",
    ])
    func shows(_ text: String) { #expect(Self.text(Self.report()).contains(text)) }

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
}
