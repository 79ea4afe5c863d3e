import ArtifactModel
import GRDB

extension CommitRequest {
    /// What stands for the group where the whole run is meant: the empty name is no group's.
    static let wholeRun = ""

    /// The columns of `source` that make a request.
    static let columns = """
        \(Run.columns), commits.number, commits.group_name, commits.member, commits.members, commits.bound, \
        commits.requested_at, commits.written_at IS NOT NULL
        """
    static let source = """
        commits CROSS JOIN runs ON runs.id = commits.run_id CROSS JOIN experiments ON experiments.id = runs.experiment_id
        """

    init(_ row: Row) throws {
        var column = ColumnReader(row)
        let run = try Run(&column)
        let number: Int64 = try column.next()
        let group: String = try column.next()
        self.init(
            number: number, run: run, group: group == Self.wholeRun ? nil : group, member: try column.next(),
            members: try column.next(), bound: try column.next(), requestedAt: try column.next(), isWritten: try column.next())
    }

    /// Which jobs belong to it, deleted ones left out.
    var condition: Filter {
        var filter = Filter("run_id = ? AND removed = 0", [run.id])
        if let group { filter.add("group_name = ? AND member = ?", [group, member]) }
        return filter
    }
}
