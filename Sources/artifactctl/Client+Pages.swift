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
}
