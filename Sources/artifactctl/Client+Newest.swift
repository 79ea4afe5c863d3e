import ArtifactClient
import ArtifactModel
import ArtifactWire

extension Client {
    /// The last jobs in the order of acceptance, the latest at the end.
    ///
    /// The protocol lists from a sequence on, upwards. So the highest sequence is searched for, with a few small questions, and then
    /// ever longer ends of the list are asked for until one holds enough.
    /// - Parameter limit: at most so many jobs; at least 1.
    func newestJobs(_ request: ListJobs, limit: Int) throws -> [JobRecord] {
        guard let last = try highestSequence() else { return [] }
        var span = Int64(limit)
        while true {
            var newest: [JobRecord] = []
            var request = request
            request.after = span < last ? last - span : nil
            try forEachJob(request) { job in
                newest.append(job)
                // Not one by one: each time the rest moves down.
                if newest.count > 1_000, newest.count / 2 > limit { newest.removeFirst(newest.count - limit) }
            }
            if newest.count >= limit || request.after == nil { return newest.suffix(limit) }
            span = span.multipliedReportingOverflow(by: 2).overflow ? .max : span * 2
        }
    }

    /// The highest sequence of the caller's jobs, of whatever state; nil when there are none.
    private func highestSequence() throws(ClientError) -> Int64? {
        guard var known = try sequence(after: 0) else { return nil }
        // Ever longer steps lead beyond the end; then the span in which it lies is halved.
        var (step, end) = (Int64(1), Int64.max)
        while step < Int64.max / 2, known < Int64.max - step {
            guard let next = try sequence(after: known + step) else {
                end = known + step
                break
            }
            known = next
            step *= 2
        }
        while known < end {
            let middle = known + (end - known) / 2
            if let next = try sequence(after: middle) { known = next } else { end = middle }
        }
        return known
    }

    /// The sequence of the first job behind this one; nil when there is none.
    private func sequence(after: Int64) throws(ClientError) -> Int64? {
        var request = ListJobs(after: after, limit: 1)
        while true {
            let page = try jobs(request)
            if let job = page.records.first { return job.sequence }
            guard let next = page.next else { return nil }
            request.after = next
        }
    }
}
