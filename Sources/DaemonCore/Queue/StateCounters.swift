import ArtifactModel

/// How many jobs stand in each state, with the sizes of their sources.
struct StateCounters: Equatable {
    struct Count: Equatable {
        var jobs: UInt64 = 0
        var bytes: UInt64 = 0

        static func += (left: inout Count, right: Count) {
            left.jobs += right.jobs
            left.bytes += right.bytes
        }
    }

    private var counts: [JobState: Count] = [:]

    subscript(_ state: JobState) -> Count {
        get { counts[state] ?? Count() }
        set { counts[state] = newValue }
    }

    /// Whether no job stands anywhere.
    var isEmpty: Bool { counts.values.allSatisfy { $0.jobs == 0 } }

    mutating func move(from: JobState, to: JobState, bytes: UInt64) {
        self[from].jobs -= 1
        self[from].bytes -= bytes
        self[to].jobs += 1
        self[to].bytes += bytes
    }

    mutating func resize(_ state: JobState, from: UInt64, to: UInt64) {
        self[state].bytes -= from
        self[state].bytes += to
    }

    static func += (left: inout StateCounters, right: StateCounters) {
        for (state, count) in right.counts { left[state] += count }
    }
}
