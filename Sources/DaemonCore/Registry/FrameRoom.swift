import ArtifactWire

/// What of a list fits into one answer.
enum FrameRoom {
    /// The first of the records, as many as surely fit into a frame; at least one.
    /// - Parameter texts: everything of a record whose length is not bounded by a few bytes.
    static func fitting<Record>(_ records: [Record], texts: (Record) -> [String]) -> [Record] {
        var bytes = 0
        var count = 0
        for record in records {
            // Tag and length of each text, and the record's numbers.
            bytes += texts(record).reduce(512) { $0 + $1.utf8.count + 16 }
            if bytes > FrameHeader.maximumFrameLength - 4096, count > 0 { break }
            count += 1
        }
        return Array(records.prefix(count))
    }
}
