import ArtifactModel

extension Output {
    /// Writes a run on one line.
    func run(_ run: Run) throws {
        if isJSON { return try document(RunDocument(run)) }
        let columns = [run.id.padded(to: 36), run.status.description.padded(to: 8), Human.moment(run.startedAt), run.name.shown]
        try line(columns.joined(separator: "  "))
    }
}
