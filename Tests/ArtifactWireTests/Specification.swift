import ArtifactWire

/// `protocol/SPECIFICATION.md`, as far as tests read it: its tables and its worked example.
struct Specification {
    /// The whole text.
    let text: String
    /// The rows of the tables under each heading of level 2 or 3, without the line of dashes; each row its cells.
    private(set) var tables: [String: [[String]]] = [:]
    /// The bytes of each fenced block marked `hex NAME`.
    private(set) var examples: [String: String] = [:]

    init() throws {
        text = try Vectors.text("SPECIFICATION.md")
        var heading = ""
        var example: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                example = line.hasPrefix("```hex ") ? String(line.dropFirst(7)) : nil
            } else if let example {
                let bytes = line.prefix { $0 != ";" }.filter { $0 != " " }
                examples[example, default: ""] += bytes
            } else if line.hasPrefix("## ") || line.hasPrefix("### ") {
                heading = String(line.drop { $0 == "#" }.dropFirst())
            } else if line.hasPrefix("| ") {
                let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                tables[heading, default: []].append(cells.map { Self.trimmed($0) })
            }
        }
    }

    /// The fields in the table of a message or record: their tags as they stand on the wire.
    func fields(of subject: String) throws -> [Field] {
        guard text.contains("\n### \(subject)\n") else { throw VectorProblem("the specification has no section '\(subject)'") }
        return try (tables[subject] ?? []).filter { $0.first != "tag" }.map { row in
            let parts = row[0].split(separator: " ")
            guard row.count == 5, let number = parts.first.flatMap({ UInt16($0) }), parts.count == 1 || parts[1] == "c" else {
                throw VectorProblem("'\(subject)': \(row) is no row of a table of fields")
            }
            return Field(tag: parts.count == 2 ? number | 0x8000 : number, name: row[1], type: row[2])
        }
    }

    /// One row of a table of fields.
    struct Field {
        var tag: UInt16
        var name: String
        var type: String

        /// The record inside, where the field is nested.
        var nested: String? {
            guard type.hasPrefix("nested ") else { return nil }
            let name = type.dropFirst("nested ".count)
            return name.prefix(1).uppercased() + name.dropFirst()
        }
    }

    private static func trimmed(_ cell: Substring) -> String {
        var cell = cell
        while cell.first == " " { cell.removeFirst() }
        while cell.last == " " { cell.removeLast() }
        return String(cell)
    }
}

extension MessageType {
    /// The name in the specification: `spoolOpened` stands there as SPOOL_OPENED.
    var specificationName: String {
        "\(self)".reduce(into: "") { name, character in
            if character.isUppercase { name.append("_") }
            name += character.uppercased()
        }
    }
}
