import ArtifactModel

extension Output {
    /// Writes a run on one line.
    func run(_ run: Run) throws {
        if isJSON { return try document(RunDocument(run)) }
        var columns = [run.id.padded(to: 36), run.status.description.padded(to: 8), Human.moment(run.startedAt)]
        if !run.name.isEmpty { columns.append(run.name.shown) }
        try line(columns.joined(separator: "  "))
    }
}
