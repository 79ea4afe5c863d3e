import ArtifactModel
import FoundationEssentials
import Synchronization

/// A multipart upload that is neither completed nor aborted.
///
/// Its bytes lie in one data file, each part at its final offset. Beside it lies the record, `ID.parts`: JSON texts, one a line,
/// first the upload's `Header`, then an `Entry` for each change. An entry is written after the part's bytes are fsynced, and
/// taken back before they are written over: what is listed is whole, whenever the power goes.
final class OpenUpload: Sendable {
    /// What was said when the upload was created.
    struct Header: Codable, Sendable {
        var key: String
        /// Unix time in milliseconds.
        var initiatedAt: Int64
        var contentType: String
        /// As `Content-Encoding` spells it.
        var encoding: String
        var metadata: [String: String]
    }

    /// A part that is whole in the data file.
    struct Part: Codable, Sendable, Equatable {
        var offset: UInt64
        var size: UInt64
        var etag: String

        var range: Range<UInt64> { offset..<(offset + size) }
    }

    /// One line of the record: a part is listed from now on, or, without `part`, no longer.
    struct Entry: Codable, Sendable {
        var number: Int
        var part: Part?
    }

    struct State: Sendable {
        var parts: [Int: Part]
        /// The runs of bytes that threads are writing now.
        var writing: [Range<UInt64>] = []
        /// Completion or abortion has begun: no part is taken any more.
        var isClosed = false
    }

    let id: String
    let header: Header
    /// Held also while the record is written, so that its lines stand in the order of the changes.
    let state: Mutex<State>

    /// The upload that a record tells of; nil when its first line is not whole, so that nobody was told its id.
    ///
    /// A line that does not decode was cut off by a crash: the call that wrote it has not returned, so it does not count.
    init?(id: String, record: [UInt8]) {
        let lines = record.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first, let header = Self.decode(Header.self, first) else { return nil }
        self.id = id
        self.header = header
        var parts: [Int: Part] = [:]
        for line in lines.dropFirst() {
            if let entry = Self.decode(Entry.self, line) { parts[entry.number] = entry.part }
        }
        state = Mutex(State(parts: parts))
    }

    /// What the upload will become.
    func description(for key: ObjectKey) throws(ArtifactError) -> ObjectDescription {
        guard let encoding = ContentEncoding(name: header.encoding) else {
            throw ArtifactError(
                .corruptObject,
                "upload \(id) names the encoding '\(header.encoding.escapedForLog)', which this version does not know")
        }
        return ObjectDescription(
            key: key, contentType: header.contentType, encoding: encoding,
            metadata: header.metadata.map { (name: $0.key, value: $0.value) })
    }

    /// The line for the record. It begins with the line break, which ends a line that a crash has cut off.
    static func line(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return [UInt8(ascii: "\n")] + Array(try encoder.encode(value))
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ line: ArraySlice<UInt8>) -> Value? {
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch {
            return nil
        }
    }
}
