import ArtifactWire
import Testing

@testable import GatewayCore

/// Prometheus' text format.
struct MetricsTextTests {
    /// Help, type, labels and buckets stand as Prometheus wants them; a metric without samples does not stand.
    @Test func isWritten() {
        var text = MetricsText()
        text.write("a_total", .counter, "Help.", [.init(3, ("l", "x\"\\\n")), .init(0.5)])
        text.write("none", .gauge, "Help.", [])
        var histogram = Histogram(bounds: [0.1, 1])
        for seconds in [0.1, 0.2, 5] { histogram.add(seconds) }
        text.write("h_seconds", "Help.", [([("r", "x")], histogram)])
        #expect(
            text.text == """
                # HELP a_total Help.
                # TYPE a_total counter
                a_total{l="x\\"\\\\\\n"} 3
                a_total 0.5
                # HELP h_seconds Help.
                # TYPE h_seconds histogram
                h_seconds_bucket{r="x",le="0.1"} 1
                h_seconds_bucket{r="x",le="1"} 2
                h_seconds_bucket{r="x",le="+Inf"} 3
                h_seconds_sum{r="x"} 5.3
                h_seconds_count{r="x"} 3

                """)
    }

    /// A status with everything in it, and one with nothing optional, both give metrics; without a daemon one says so.
    @Test func tellsOfTheDaemon() throws {
        let base = """
            "daemon": {"version": "1", "pid": 1, "uptime_seconds": 1.5, "store": "s", "integrity": "i", "journal": "ok", "store_condition": "ok"},
            "queue": {"jobs": {"accepted": 1}, "bytes": {"accepted": 2}, "bytes_pending": 2, "limit": 3},
            "workers": {"active": 1, "limit": 2, "allowed": 2}, "buffers": {"used": 1, "limit": 2}, "spool": {"used": 1, "limit": 2},
            "descriptors": {"used": 1, "limit": 2}, "connections": {"used": 1, "limit": 2}, "in_flight": [],
            "throughput": {"bytes_per_second": 1, "bytes_read": 10, "bytes_sent": 4, "retries": 1}
            """
        let extra = """
            , "tenants": [{"tenant": "acme_corp", "jobs": {"stored": 7}}], "errors": {"store_unavailable": 2}, "journal": {"bytes": 9},
            "latencies": {"part": {"bounds": [1], "counts": [2, 3], "sum": 4}, "hand_over": {"bounds": [0.001, 1], "counts": [1, 1, 0], "sum": 0.5}}
            """
        var text = MetricsText()
        DaemonMetrics.write(try DaemonStatus(json: "{\(base)}"), to: &text)
        #expect(text.text.contains("artifactd_up 1\n") && text.text.contains("artifactd_compression_ratio 2.5\n"))
        #expect(!text.text.contains("tenant") && !text.text.contains("artifactd_errors_total"))
        text = MetricsText()
        DaemonMetrics.write(try DaemonStatus(json: "{\(base)\(extra)}"), to: &text)
        #expect(text.text.contains("artifactd_tenant_jobs{tenant=\"acme_corp\",state=\"stored\"} 7\n"))
        #expect(text.text.contains("artifactd_errors_total{code=\"store_unavailable\"} 2\n"))
        #expect(
            text.text.contains("artifactd_journal_bytes 9\n") && text.text.contains("artifactd_part_duration_seconds_count 5\n"))
        #expect(text.text.contains("artifactd_hand_over_duration_seconds_bucket{le=\"0.001\"} 1\n"))
        #expect(text.text.contains("artifactd_hand_over_duration_seconds_sum 0.5\n"))
        text = MetricsText()
        DaemonMetrics.write(nil, to: &text)
        #expect(text.text.contains("artifactd_up 0\n") && !text.text.contains("artifactd_jobs"))
    }
}
