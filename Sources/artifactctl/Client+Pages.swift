import ArtifactClient
import ArtifactModel
import ArtifactWire

extension Client {
    /// Goes through the jobs of all pages.
    /// - Parameter limit: at most so many jobs.
    func forEachJob(_ request: ListJobs, limit: UInt64 = .max, _ body: (JobRecord) throws -> Void) throws {
        var request = request
        var rest = limit
        while rest > 0 {
            request.limit = UInt32(min(rest, UInt64(ListJobs.maximumLimit)))
            let page = try jobs(request)
            for job in page.records { try body(job) }
            guard let next = page.next else { return }
            request.after = next
            rest -= min(rest, UInt64(page.records.count))
        }
    }

    /// Goes through the experiments of all pages, from the request's offset on.
    /// - Parameter limit: at most so many experiments.
    func forEachExperiment(_ request: ListExperiments, limit: UInt64, _ body: (Experiment) throws -> Void) throws {
        try forEachPage(from: request.offset, limit: limit) { offset, limit in
            var request = request
            (request.offset, request.limit) = (offset, limit)
            let page = try experiments(request)
            try page.experiments.forEach(body)
            return (page.experiments.count, page.total)
        }
    }

    /// Goes through the runs of all pages, from the request's offset on.
    /// - Parameter limit: at most so many runs.
    func forEachRun(_ request: ListRuns, limit: UInt64, _ body: (Run) throws -> Void) throws {
        try forEachPage(from: request.offset, limit: limit) { offset, limit in
            var request = request
            (request.offset, request.limit) = (offset, limit)
            let page = try runs(request)
            try page.runs.forEach(body)
            return (page.runs.count, page.total)
        }
    }

    /// - Parameter page: goes through one page; returns how many it held, and how many there are in all.
    private func forEachPage(
        from offset: UInt64, limit: UInt64, _ page: (_ offset: UInt64, _ limit: UInt32) throws -> (count: Int, total: UInt64)
    ) throws {
        var offset = offset
        var rest = limit
        while rest > 0 {
            let (count, total) = try page(offset, UInt32(min(rest, UInt64(RegistryLimits.page))))
            offset += UInt64(count)
            rest -= min(rest, UInt64(count))
            if count == 0 || offset >= total { return }
        }
    }

    /// Goes through the artifacts of all pages.
    /// - Parameter timeout: how long each page may take; nil for as long as the daemon needs.
    /// - Returns: why artifacts that other nodes stored may be missing; nil when all were there.
    func forEachArtifact(
        _ request: ListArtifacts, timeout: Duration? = nil, _ body: (ArtifactRecord) throws -> Void
    ) throws -> ArtifactError? {
        var request = request
        var incomplete: ArtifactError?
        repeat {
            let page = try artifacts(request, timeout: timeout)
            try page.artifacts.forEach(body)
            incomplete = incomplete ?? page.incomplete
            request.after = page.next
        } while request.after != nil
        return incomplete
    }
}
