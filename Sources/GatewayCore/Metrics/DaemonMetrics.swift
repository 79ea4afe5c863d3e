import LinuxSystem

/// The daemon's state as metrics.
enum DaemonMetrics {
    /// - Parameter status: nil while the daemon does not answer.
    static func write(_ status: DaemonStatus?, to text: inout MetricsText) {
        text.write("artifactd_up", .gauge, "Whether the daemon answers.", status == nil ? 0 : 1)
        guard let status else { return }
        let (daemon, queue, throughput) = (status.daemon, status.queue, status.throughput)
        text.write("artifactd_build_info", .gauge, "The daemon's version.", [.init(1, ("version", daemon.version))])
        text.write("artifactd_uptime_seconds", .gauge, "Since the daemon's start.", [.init(daemon.uptimeSeconds)])
        text.write("artifactd_journal_ok", .gauge, "Whether the journal takes hand-overs.", daemon.journal == "ok" ? 1 : 0)
        text.write(
            "artifactd_store_ok", .gauge, "Whether the store takes what it is sent.", daemon.storeCondition == "ok" ? 1 : 0)
        text.write("artifactd_jobs", .gauge, "Jobs in the journal, by state.", byState(queue.jobs))
        text.write("artifactd_jobs_source_bytes", .gauge, "Sizes of their sources, by state.", byState(queue.bytes))
        text.write(
            "artifactd_tenant_jobs", .gauge, "Jobs in the journal, by tenant and state.",
            (status.tenants ?? []).flatMap { tenant in
                tenant.jobs.sorted { $0.key < $1.key }.map {
                    .init(Double($0.value), ("tenant", tenant.tenant), ("state", $0.key))
                }
            })
        text.write("artifactd_queue_pending_bytes", .gauge, "Bytes accepted and not in the store yet.", queue.bytesPending)
        text.write("artifactd_queue_limit_jobs", .gauge, "Jobs that may be pending.", queue.limit)
        let age = queue.oldestAcceptedAt.map { Double(max(0, System.wallMilliseconds() - $0)) / 1000 } ?? 0
        text.write("artifactd_queue_oldest_age_seconds", .gauge, "Age of the oldest pending job; 0 without one.", [.init(age)])
        if let accepted = throughput.bytesAccepted {
            text.write("artifactd_accepted_bytes_total", .counter, "Source bytes accepted since the start.", accepted)
        }
        text.write(
            "artifactd_source_bytes_total", .counter, "Source bytes that reached the store since the start.", throughput.bytesRead
        )
        text.write(
            "artifactd_stored_bytes_total", .counter, "Object bytes that reached the store since the start.", throughput.bytesSent
        )
        let ratio = throughput.bytesSent > 0 ? Double(throughput.bytesRead) / Double(throughput.bytesSent) : 1
        text.write("artifactd_compression_ratio", .gauge, "Source bytes to object bytes since the start.", [.init(ratio)])
        text.write("artifactd_store_retries_total", .counter, "Requests sent to the store again.", throughput.retries)
        text.write(
            "artifactd_errors_total", .counter,
            "Attempts to store something that failed and requests refused, by the error's code.",
            (status.errors ?? [:]).sorted { $0.key < $1.key }.map { .init(Double($0.value), ("code", $0.key)) })
        text.write("artifactd_workers_active", .gauge, "Upload workers at work.", status.workers.active)
        text.write("artifactd_workers_allowed", .gauge, "Upload workers that may work now.", status.workers.allowed)
        text.write("artifactd_workers_limit", .gauge, "Upload workers at most.", status.workers.limit)
        for (name, what, bounded) in [
            ("buffers", "Memory of parts being sent", status.buffers), ("spool", "Bytes of the daemon's own files", status.spool),
        ] {
            text.write("artifactd_\(name)_used_bytes", .gauge, "\(what).", bounded.used)
            text.write("artifactd_\(name)_limit_bytes", .gauge, "\(what), at most.", bounded.limit)
        }
        for (name, what, bounded) in [
            ("descriptors", "Descriptors held for sources", status.descriptors), ("connections", "Clients", status.connections),
        ] {
            text.write("artifactd_\(name)_used", .gauge, "\(what).", bounded.used)
            text.write("artifactd_\(name)_limit", .gauge, "\(what), at most.", bounded.limit)
        }
        if let journal = status.journal { text.write("artifactd_journal_bytes", .gauge, "Size of the journal.", journal.bytes) }
        if let parts = status.latencies?.part {
            text.write(
                "artifactd_part_duration_seconds", "How long the store took for a part, or for an object without parts.",
                [([], parts)])
        }
        if let handOvers = status.latencies?.handOver {
            text.write(
                "artifactd_hand_over_duration_seconds", "From a hand-over's arrival until it was journalled.", [([], handOvers)])
        }
    }

    private static func byState(_ numbers: [String: UInt64]) -> [MetricsText.Sample] {
        numbers.sorted { $0.key < $1.key }.map { .init(Double($0.value), ("state", $0.key)) }
    }
}
