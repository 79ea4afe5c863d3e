import ArtifactModel
import FoundationEssentials
import ObjectStore
import Pipeline

/// Reads and writes the registry's documents.
struct RegistryStore {
    /// No document of ours is larger.
    static let maximumBytes = 64 << 20

    let session: any ObjectStoreSession

    /// The document at a key; nil when there is none.
    /// - Throws: `corruptObject` when what is there is no such document.
    func read<Document: Decodable>(_ type: Document.Type, at key: ObjectKey) throws(ArtifactError) -> Document? {
        var room = Self.maximumBytes
        return try read(type, at: key, atMost: &room)
    }

    /// The document at a key, which may take so many bytes, and takes them off; nil when there is none.
    /// - Throws: `tooLarge`; `corruptObject` when what is there is no such document.
    func read<Document: Decodable>(
        _ type: Document.Type, at key: ObjectKey, atMost room: inout Int
    ) throws(ArtifactError) -> Document? {
        guard let bytes = try session.contents(of: key, atMost: room) else { return nil }
        room -= bytes.count
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw ArtifactError(
                .corruptObject, "'\(key.text.escapedForLog)' in the store is not what artifactd writes; restore or remove it",
                cause: "\(error)")
        }
    }

    /// Writes a document, over one that is there.
    func write(_ document: some Encodable, at key: ObjectKey) throws(ArtifactError) {
        try write(bytes: try Self.encode(document), at: key)
    }

    /// Writes a document's bytes, over one that is there.
    func write(bytes: [UInt8], at key: ObjectKey) throws(ArtifactError) {
        try send(bytes, at: key) { (object, bytes, check) throws(ArtifactError) in
            _ = try session.put(object, body: bytes, check: check)
        }
    }

    /// Writes a document unless there is one.
    /// - Returns: whether it was written.
    func writeIfAbsent(_ document: some Encodable, at key: ObjectKey) throws(ArtifactError) -> Bool {
        try writeIfAbsent(bytes: try Self.encode(document), at: key)
    }

    /// Writes a document's bytes unless there is one.
    /// - Returns: whether they were written.
    @discardableResult
    func writeIfAbsent(bytes: [UInt8], at key: ObjectKey) throws(ArtifactError) -> Bool {
        var isWritten = false
        try send(bytes, at: key) { (object, bytes, check) throws(ArtifactError) in
            isWritten = try session.putIfAbsent(object, body: bytes, check: check) != nil
        }
        return isWritten
    }

    /// A document's bytes: the same for the same content.
    static func encode(_ document: some Encodable) throws(ArtifactError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(document)) } catch {
            throw ArtifactError(.internalFault, "a document of the registry cannot be written", cause: "\(error)")
        }
    }

    private func send(
        _ bytes: [UInt8], at key: ObjectKey,
        _ put: (ObjectDescription, UnsafeRawBufferPointer, CRC?) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        let object = ObjectDescription(key: key, contentType: "application/json", encoding: .identity, metadata: [])
        let algorithm = try session.integrity().crc
        try bytes.span.bytes.withUnsafeBytes { (bytes) throws(ArtifactError) in
            try put(object, bytes, algorithm.map { Checksummer.crc($0, bytes) })
        }
    }

    // MARK: Experiments and runs

    static func experimentKey(_ id: String) throws(ArtifactError) -> ObjectKey {
        try ObjectKey("experiments/\(id)/experiment.json")
    }

    static func stateKey(_ id: String) throws(ArtifactError) -> ObjectKey { try ObjectKey("experiments/\(id)/state.json") }

    static func runKey(_ id: String) throws(ArtifactError) -> ObjectKey { try ObjectKey("runs/\(id).json") }

    /// The experiment as the store has it; nil when there is none.
    func experiment(_ id: String) throws(ArtifactError) -> Experiment? {
        let key = try Self.experimentKey(id)
        guard let document = try read(ExperimentDocument.self, at: key) else { return nil }
        guard document.id == id else {
            throw ArtifactError(.corruptObject, "'\(key)' in the store is of another experiment; restore or remove it")
        }
        var experiment = Experiment(
            id: id, tenant: document.tenant, name: document.name, description: document.description, tags: document.tags,
            artifactLocation: document.artifactLocation, createdAt: document.createdAt, updatedAt: document.createdAt,
            isProvisional: false)
        try addState(to: &experiment)
        return experiment
    }

    /// Replaces what may change in an experiment by what the store says; without effect where nothing was ever changed.
    func addState(to experiment: inout Experiment) throws(ArtifactError) {
        guard let state = try read(ExperimentStateDocument.self, at: try Self.stateKey(experiment.id)) else { return }
        experiment.description = state.description
        experiment.tags = state.tags
        experiment.stage = LifecycleStage(name: state.lifecycleStage) ?? .active
        experiment.updatedAt = state.updatedAt
    }

    /// The run as the store has it; nil when there is none.
    func run(_ id: String) throws(ArtifactError) -> Run? {
        let key = try Self.runKey(id)
        guard let document = try read(RunDocument.self, at: key) else { return nil }
        guard document.runID == id, let run = document.run else {
            throw ArtifactError(.corruptObject, "'\(key)' in the store is no run of that id; restore or remove it")
        }
        return run
    }
}
