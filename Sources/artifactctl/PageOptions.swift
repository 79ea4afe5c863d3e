import ArgumentParser

/// Which part of a list: the options of those that are counted.
struct PageOptions: ParsableArguments {
    // Unconditional: a negative number is a value too, and is told what is wrong with it.
    @Option(parsing: .unconditional, help: ArgumentHelp("At most so many.", valueName: "count"))
    var limit: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Skip the first so many.", valueName: "count"))
    var offset: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let offset, offset < 0 { throw ValidationError("--offset must be at least 0") }
    }

    var most: UInt64 { limit.map { UInt64($0) } ?? .max }
    var skipped: UInt64 { offset.map { UInt64($0) } ?? 0 }
}
