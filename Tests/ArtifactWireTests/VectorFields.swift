import ArtifactModel

/// The decoded content that a vector states. Each reading method takes its field out, so that `finish` finds what nobody read.
struct VectorFields {
    private var fields: [String: JSONValue]

    init(_ value: JSONValue) throws {
        guard case .object(let fields) = value else { throw VectorProblem("\(value) is no object") }
        self.fields = fields
    }

    mutating func unsigned(_ name: String) throws -> UInt64? {
        switch fields.removeValue(forKey: name) {
        case nil: nil
        case .unsigned(let value): value
        case let other: throw VectorProblem("'\(name)' is \(String(describing: other)), not an unsigned integer")
        }
    }

    mutating func integer<Value: FixedWidthInteger>(_ name: String, as type: Value.Type) throws -> Value? {
        switch fields.removeValue(forKey: name) {
        case nil: return nil
        case .unsigned(let wide):
            guard let value = Value(exactly: wide) else { throw VectorProblem("'\(name)' is \(wide)") }
            return value
        case .negative(let wide):
            guard let value = Value(exactly: wide) else { throw VectorProblem("'\(name)' is \(wide)") }
            return value
        case let other: throw VectorProblem("'\(name)' is \(String(describing: other)), not an integer")
        }
    }

    /// The values of a repeated integer.
    mutating func integers<Value: FixedWidthInteger>(_ name: String, as type: Value.Type) throws -> [Value] {
        guard case .list(let values) = fields.removeValue(forKey: name) else { throw VectorProblem("'\(name)' is no list") }
        return try values.map { value in
            guard case .unsigned(let wide) = value, let value = Value(exactly: wide) else {
                throw VectorProblem("'\(name)' has \(value)")
            }
            return value
        }
    }

    mutating func text(_ name: String) throws -> String? {
        switch fields.removeValue(forKey: name) {
        case nil: nil
        case .text(let value): value
        case let other: throw VectorProblem("'\(name)' is \(String(describing: other)), not a text")
        }
    }

    mutating func bytes(_ name: String) throws -> [UInt8]? { try text(name).map { try [UInt8](hex: $0) } }

    mutating func bool(_ name: String) throws -> Bool? {
        switch fields.removeValue(forKey: name) {
        case nil: nil
        case .bool(let value): value
        case let other: throw VectorProblem("'\(name)' is \(String(describing: other)), not a bool")
        }
    }

    /// A value of one of the enumerations with names.
    mutating func choice<Choice: CaseIterable & CustomStringConvertible>(_ name: String, _ type: Choice.Type) throws -> Choice? {
        try text(name).map { try Self.choice($0, type) }
    }

    mutating func choices<Choice: CaseIterable & CustomStringConvertible>(
        _ name: String, _ type: Choice.Type
    ) throws -> [Choice] {
        try texts(name).map { try Self.choice($0, type) }
    }

    mutating func jobID(_ name: String) throws -> JobID? { try text(name).map(Self.jobID) }

    mutating func jobIDs(_ name: String) throws -> [JobID] { try texts(name).map(Self.jobID) }

    /// The contents of a repeated nested field.
    mutating func nested(_ name: String) throws -> [VectorFields] {
        guard case .list(let values) = fields.removeValue(forKey: name) else { throw VectorProblem("'\(name)' is no list") }
        return try values.map(VectorFields.init)
    }

    /// The content of a nested field that may be absent.
    mutating func nestedIfPresent(_ name: String) throws -> VectorFields? {
        try fields.removeValue(forKey: name).map(VectorFields.init)
    }

    /// An error's code: a name, or a number that has none.
    mutating func errorCode(_ name: String) throws -> (known: ArtifactError.Code?, number: UInt64) {
        if case .unsigned(let number) = fields[name] {
            fields[name] = nil
            return (nil, number)
        }
        let code = try required(choice(name, ArtifactError.Code.self), name)
        return (code, UInt64(code.rawValue))
    }

    func required<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw VectorProblem("'\(name)' is missing") }
        return value
    }

    /// The names of the fields that nobody has read yet.
    var names: Set<String> { Set(fields.keys) }

    func finish() throws {
        guard fields.isEmpty else { throw VectorProblem("no message has the fields \(fields.keys.sorted())") }
    }

    private mutating func texts(_ name: String) throws -> [String] {
        guard case .list(let values) = fields.removeValue(forKey: name) else { throw VectorProblem("'\(name)' is no list") }
        return try values.map { value in
            guard case .text(let text) = value else { throw VectorProblem("'\(name)' has \(value), not a text") }
            return text
        }
    }

    private static func choice<Choice: CaseIterable & CustomStringConvertible>(
        _ name: String, _ type: Choice.Type
    ) throws -> Choice {
        guard let choice = Choice.allCases.first(where: { $0.description == name }) else {
            throw VectorProblem("'\(name)' is no \(type)")
        }
        return choice
    }

    private static func jobID(_ text: String) throws -> JobID {
        guard let id = JobID(text) else { throw VectorProblem("'\(text)' is no job id") }
        return id
    }
}
