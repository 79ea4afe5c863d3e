import ArtifactModel
import ArtifactWire
import FoundationEssentials
import NIOCore

/// `POST /api/v1/experiments`.
struct NewExperiment: RequestDocument {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, description, tags
        case artifactLocation = "artifact_location"
    }

    var message: CreateExperiment

    init(from fields: DocumentFields<CodingKeys>) throws {
        message = CreateExperiment(
            name: try fields.required(.name), description: try fields.optional(.description) ?? "",
            tags: try fields.optional(.tags) ?? [:], artifactLocation: try fields.optional(.artifactLocation))
    }
}

/// `PATCH /api/v1/experiments/{id}`.
struct ExperimentChanges: RequestDocument {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, description, tags
    }

    var name: String?
    var description: String?
    /// Nil within removes a tag.
    var tags: [String: String?]

    init(from fields: DocumentFields<CodingKeys>) throws {
        name = try fields.optional(.name)
        description = try fields.optional(.description)
        tags = try fields.optional(.tags) ?? [:]
    }
}

/// `POST /api/v1/experiments/runs`.
struct NewRun: RequestDocument {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, description, tags
        case experimentID = "experiment_id"
        case experimentName = "experiment_name"
        case runID = "run_id"
    }

    var message: StartRun

    init(from fields: DocumentFields<CodingKeys>) throws {
        let experiment: ExperimentReference
        switch (try fields.optional(.experimentID, String.self), try fields.optional(.experimentName, String.self)) {
        case (let id?, nil): experiment = .id(id)
        case (nil, let name?): experiment = .name(name)
        default: throw APIError(.validationFailed, "name the experiment by exactly one of experiment_id and experiment_name")
        }
        message = StartRun(
            experiment: experiment, runID: try fields.optional(.runID), name: try fields.optional(.name) ?? "",
            description: try fields.optional(.description) ?? "", tags: try fields.optional(.tags) ?? [:])
    }
}

/// `POST /api/v1/experiments/runs/{run_id}/end`.
struct RunEnd: RequestDocument {
    enum CodingKeys: String, CodingKey, CaseIterable { case status }

    var status: RunStatus

    init(from fields: DocumentFields<CodingKeys>) throws {
        let name: String = try fields.optional(.status) ?? RunStatus.finished.description
        guard let status = RunStatus(name: name), status != .running else {
            throw APIError(.validationFailed, "status is one of finished, failed, killed")
        }
        self.status = status
    }
}

/// A JSON object that a request brings. Keys that it does not know are refused.
protocol RequestDocument {
    associatedtype CodingKeys: CodingKey, CaseIterable
    init(from fields: DocumentFields<CodingKeys>) throws
}

extension RequestDocument {
    /// - Parameter body: nothing stands for an object without members.
    /// - Throws: `APIError` that names what is wrong.
    init(json body: ByteBuffer) throws {
        let bytes = body.readableBytes == 0 ? Array("{}".utf8) : Array(body.readableBytesView)
        do {
            self = try JSONDecoder().decode(Decoded<Self>.self, from: Data(bytes)).document
        } catch let error as DecodingError {
            throw APIError(.validationFailed, "the body is not as it should be: \(error.sentence)")
        }
    }
}

private struct Decoded<Document: RequestDocument>: Decodable {
    let document: Document

    init(from decoder: any Decoder) throws {
        let known = Set(Document.CodingKeys.allCases.map(\.stringValue))
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw APIError(
                .validationFailed,
                "the body has no member '\(key.stringValue.escapedForLog)'; known are \(known.sorted().joined(separator: ", "))")
        }
        document = try Document(from: DocumentFields(container: try decoder.container(keyedBy: Document.CodingKeys.self)))
    }
}

/// The members of an object. `null` is no value: whoever means none leaves the member out.
struct DocumentFields<Key: CodingKey> {
    fileprivate let container: KeyedDecodingContainer<Key>

    func required<Value: Decodable>(_ key: Key) throws -> Value { try container.decode(Value.self, forKey: key) }

    func optional<Value: Decodable>(_ key: Key, _ type: Value.Type = Value.self) throws -> Value? {
        container.contains(key) ? try container.decode(type, forKey: key) : nil
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension DecodingError {
    fileprivate var sentence: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(Self.place(context)) is of the wrong type"
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .dataCorrupted(let context): context.codingPath.isEmpty ? "it is no JSON" : "\(Self.place(context)) cannot be read"
        @unknown default: "it cannot be read"
        }
    }

    private static func place(_ context: Context) -> String {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "the document" : "'\(path.escapedForLog)'"
    }
}
