import ArtifactModel
import ArtifactWire
import FoundationEssentials
import Testing

/// The specification says what the code does.
@Suite struct SpecificationTests {
    private let specification: Specification

    init() throws { specification = try Specification() }

    /// Every type of message stands in the table of messages with its number, and no other does.
    @Test func listsEveryMessageType() {
        var listed: Set<String> = []
        for row in specification.tables["6. Messages"] ?? [] where row.first != "request" {
            for pair in [row[0...1], row[2...3]] where pair.first != "–" { listed.insert(pair.joined(separator: " ")) }
        }
        let known = MessageType.allCases.map { type in
            let digits = String(type.rawValue, radix: 16, uppercase: true)
            return "\(type.specificationName) 0x\(String(repeating: "0", count: 4 - digits.count))\(digits)"
        }
        #expect(listed == Set(known))
    }

    /// Every error code stands in the table of errors with number, name, and whether it is transient; and no other does.
    @Test func listsEveryErrorCode() {
        let listed = (specification.tables["13. Errors and violations"] ?? []).filter { UInt16($0[0]) != nil }
        let known = ArtifactError.Code.allCases.map { ["\($0.rawValue)", "\($0)", $0.isTransient ? "yes" : "no"] }
        #expect(listed.map { Array($0.prefix(3)) } == known)
    }

    /// Every number with a name stands in its table, in order.
    @Test func listsEveryNamedNumber() {
        expectTable("state", JobState.self)
        expectTable("level", AcknowledgementLevel.self)
        expectTable("pin", Pin.self)
        expectTable("compression", Compression.self)
        expectTable("encoding", ContentEncoding.self)
        expectTable("change_policy", ChangePolicy.self)
        expectTable("kind", ArtifactKind.self)
        expectTable("lifecycle_stage", LifecycleStage.self)
        expectTable("run_status", RunStatus.self)
    }

    /// Every feature bit stands in its table.
    @Test func listsEveryFeature() {
        let bits = (specification.tables["3. Beginning"] ?? []).compactMap { UInt64($0[0]) }
        #expect(Features(rawValue: bits.reduce(0) { $0 | 1 << $1 }) == [.spool, .objects, .runs, .ranges])
    }

    /// The tables of fields agree with the vectors: in a canonical frame each field of the content stands under its tag.
    @Test(arguments: try Vectors.good().filter(\.canonical))
    func tablesMatchTheVector(_ vector: GoodVector) throws {
        try expectFields(vector.type, try [UInt8](hex: vector.hex).dropFirst(FrameHeader.size), vector.fields)
    }

    /// There is no field in the tables that no vector shows.
    @Test func everyFieldHasAVector() throws {
        var shown: Set<String> = []
        func visit(_ subject: String, _ payload: ArraySlice<UInt8>) throws {
            let fields = try specification.fields(of: subject)
            for (tag, value) in try Self.fields(payload) {
                guard let field = fields.first(where: { $0.tag == tag }) else { continue }
                shown.insert("\(subject).\(field.name)")
                if let nested = field.nested { try visit(nested, value) }
            }
        }
        for vector in try Vectors.good() { try visit(vector.type, [UInt8](hex: vector.hex).dropFirst(FrameHeader.size)) }
        for subject in MessageType.allCases.map(\.specificationName) + Self.records {
            for field in try specification.fields(of: subject) { #expect(shown.contains("\(subject).\(field.name)")) }
        }
    }

    /// The worked example is made of vectors, byte for byte.
    @Test func worksItsExampleWithVectors() throws {
        #expect(specification.examples.count == 4)
        let vectors = try Vectors.good()
        for (name, hex) in specification.examples {
            let vector = try #require(vectors.first { $0.name == name })
            #expect(hex == vector.hex, "\(name)")
        }
    }

    /// Every key of the status document is described.
    @Test func describesEveryStatusKey() throws {
        let none = StatusReport.ByState(accepted: 0, uploading: 0, stored: 0, failed: 0, cancelled: 0)
        let report = StatusReport(
            daemon: .init(
                version: "", pid: 0, uptimeSeconds: 0, store: "", integrity: "", journal: "", storeCondition: ""),
            queue: .init(jobs: none, bytes: none, bytesPending: 0, limit: 0, oldestAcceptedAt: 0),
            tenants: [.init(tenant: "", jobs: none)],
            workers: .init(active: 0, limit: 0, allowed: 0), buffers: .init(used: 0, limit: 0), spool: .init(used: 0, limit: 0),
            descriptors: .init(used: 0, limit: 0), connections: .init(used: 0, limit: 0),
            throughput: .init(bytesPerSecond: 0, bytesRead: 0, bytesSent: 0, retries: 0, bytesAccepted: 0),
            latencies: .init(handOver: Histogram(bounds: [1]), part: Histogram(bounds: [1])), journal: .init(bytes: 0),
            errors: ["NAME": 0],
            lastError: .init(code: "", message: "", since: 0, job: ""),
            inFlight: [.init(id: "", destination: "", size: 0, bytesDone: 0, etaSeconds: 0)])
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let document = try JSONDecoder().decode(JSONValue.self, from: encoder.encode(report))
        let table = (specification.tables["12. The status document"] ?? []).flatMap(\.self).joined(separator: " ")
        let keys = Self.keys(document, path: "")
        #expect(keys.count > 40)
        for key in keys {
            let last = key.split(separator: ".").last ?? ""
            #expect(["`\(key)`", "`.\(last)`", "`\(last)`"].contains { table.contains($0) }, "\(key)")
        }
    }

    private static let records = ["Job record", "Object", "Experiment", "Key and value", "Run", "Artifact"]

    private func expectTable<Named: CaseIterable & CustomStringConvertible & RawRepresentable<UInt8>>(
        _ heading: String, _ type: Named.Type
    ) {
        let listed = (specification.tables[heading] ?? []).filter { $0.first != "number" }
        #expect(listed.map { Array($0.prefix(2)) } == type.allCases.map { ["\($0.rawValue)", "\($0)"] }, "\(heading)")
    }

    private func expectFields(_ subject: String, _ payload: ArraySlice<UInt8>, _ content: JSONValue) throws {
        guard case .object(let content) = content else { throw VectorProblem("\(subject): the content is no object") }
        let table = try specification.fields(of: subject)
        var seen: [String: Int] = [:]
        for (tag, value) in try Self.fields(payload) {
            let field = try #require(table.first { $0.tag == tag }, "\(subject): tag \(tag)")
            let stated = try #require(content[field.name], "\(subject): \(field.name)")
            let index = seen[field.name, default: 0]
            seen[field.name] = index + 1
            guard let nested = field.nested else { continue }
            if case .list(let values) = stated {
                try expectFields(nested, value, try #require(values.dropFirst(index).first))
            } else {
                try expectFields(nested, value, stated)
            }
        }
        for (name, stated) in content {
            switch stated {
            case .list(let values): #expect(seen[name, default: 0] == values.count, "\(subject).\(name)")
            // The defaults that are left out: see the specification's section on vectors.
            case .bool(false) where name == "duplicate" || name == "raw": #expect(seen[name] == nil, "\(subject).\(name)")
            default: #expect(seen[name] == 1, "\(subject).\(name)")
            }
        }
    }

    /// A payload's tags and values, taken apart here and not by the code under test.
    private static func fields(_ payload: ArraySlice<UInt8>) throws -> [(tag: UInt16, value: ArraySlice<UInt8>)] {
        var fields: [(UInt16, ArraySlice<UInt8>)] = []
        var rest = Array(payload)[...]
        while rest.count >= 6 {
            let head = Array(rest.prefix(6))
            let tag = UInt16(head[0]) | UInt16(head[1]) << 8
            let length = (0..<4).reduce(0) { $0 | Int(head[2 + $1]) << (8 * $1) }
            rest = rest.dropFirst(6)
            fields.append((tag, rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        guard rest.isEmpty else { throw VectorProblem("bytes are left over in a good vector") }
        return fields
    }

    private static func keys(_ value: JSONValue, path: String) -> [String] {
        switch value {
        case .object(let members):
            members.flatMap { keys($0.value, path: path.isEmpty ? $0.key : "\(path).\($0.key)") }
        case .list(let values): values.flatMap { keys($0, path: path) }
        default: [path]
        }
    }
}
