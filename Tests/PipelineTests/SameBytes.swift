import Testing

/// Expects the same bytes. Where they differ it names the first place; `#expect` would work out an edit script, which takes
/// minutes for megabytes.
func expectSameBytes(_ made: [UInt8], _ wanted: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    if made == wanted { return }
    let common = zip(made, wanted).enumerated().first { $1.0 != $1.1 }?.offset ?? min(made.count, wanted.count)
    Issue.record(
        "\(made.count) bytes differ from \(wanted.count), first at \(common)", sourceLocation: sourceLocation)
}
