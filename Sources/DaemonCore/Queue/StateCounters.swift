import ArtifactModel

/// How many jobs stand in each state, with the sizes of their sources.
struct StateCounters: Equatable {
    struct Count: Equatable {
        var jobs: UInt64 = 0
        var bytes: UInt64 = 0
    }

    private var counts: [JobState: Count] = [:]

    subscript(_ state: JobState) -> Count {
        get { counts[state] ?? Count() }
        set { counts[state] = newValue }
    }

    mutating func add(_ state: JobState, bytes: UInt64) {
        self[state].jobs += 1
        self[state].bytes += bytes
    }

    mutating func remove(_ state: JobState, bytes: UInt64) {
        self[state].jobs -= 1
        self[state].bytes -= bytes
    }

    mutating func move(from: JobState, to: JobState, bytes: UInt64) {
        guard from != to else { return }
        remove(from, bytes: bytes)
        add(to, bytes: bytes)
    }

    /// The counters after a restart: nothing is being uploaded yet.
    func restarted() -> StateCounters {
        var counters = self
        counters[.accepted].jobs += counters[.uploading].jobs
        counters[.accepted].bytes += counters[.uploading].bytes
        counters[.uploading] = Count()
        return counters
    }
}
