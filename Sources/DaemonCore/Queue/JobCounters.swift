import ArtifactModel
import Journal

/// How many jobs stand in each state: all of them, and each tenant's.
struct JobCounters {
    private(set) var all = StateCounters()
    private(set) var tenants: [String: StateCounters] = [:]

    /// - Parameter counts: what the journal says at a start, when nothing is being uploaded yet.
    init(atStart counts: [JobCount]) {
        for count in counts {
            let state = count.state == .uploading ? .accepted : count.state
            add(state, StateCounters.Count(jobs: count.jobs, bytes: count.bytes), of: count.tenant)
        }
    }

    subscript(_ state: JobState) -> StateCounters.Count { all[state] }

    mutating func add(_ state: JobState, bytes: UInt64, of tenant: String) {
        add(state, StateCounters.Count(jobs: 1, bytes: bytes), of: tenant)
    }

    mutating func move(from: JobState, to: JobState, bytes: UInt64, of tenant: String) {
        all.move(from: from, to: to, bytes: bytes)
        tenants[tenant, default: StateCounters()].move(from: from, to: to, bytes: bytes)
    }

    /// A job's source is of another size from now on.
    mutating func resize(_ state: JobState, from: UInt64, to: UInt64, of tenant: String) {
        all.resize(state, from: from, to: to)
        tenants[tenant, default: StateCounters()].resize(state, from: from, to: to)
    }

    /// Takes the journal's count of stored and cancelled jobs, some of which were forgotten.
    mutating func recount(_ counts: [JobCount]) {
        let ended = [JobState.stored, .cancelled]
        for state in ended {
            all[state] = StateCounters.Count()
            for tenant in tenants.keys { tenants[tenant]?[state] = StateCounters.Count() }
        }
        for count in counts where ended.contains(count.state) {
            add(count.state, StateCounters.Count(jobs: count.jobs, bytes: count.bytes), of: count.tenant)
        }
        tenants = tenants.filter { !$0.value.isEmpty }
    }

    private mutating func add(_ state: JobState, _ count: StateCounters.Count, of tenant: String) {
        all[state] += count
        tenants[tenant, default: StateCounters()][state] += count
    }
}
