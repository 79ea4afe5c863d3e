import ArtifactModel

/// A field's number within its message; bit 15 says that a receiver which does not know the field must refuse the message.
struct Tag: RawRepresentable, Hashable, Sendable {
    static let criticalBit: UInt16 = 0x8000

    var rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }
    /// An optional field: whoever does not know it skips it.
    init(_ number: UInt16) { rawValue = number }
    /// A critical field: whoever does not know it refuses the message.
    init(critical number: UInt16) { rawValue = number | Self.criticalBit }

    var isCritical: Bool { rawValue & Self.criticalBit != 0 }
    /// The number as the specification's tables have it, without the critical bit.
    var number: UInt16 { rawValue & ~Self.criticalBit }
}

/// Writes fields: tag u16, length u32, value.
struct FieldWriter {
    var bytes: [UInt8] = []

    mutating func write(_ tag: Tag, bytes value: some Collection<UInt8>) {
        bytes.append(littleEndian: tag.rawValue)
        // A value too long for its length field is also too long for any frame: `Message.frame` refuses it by its whole length.
        bytes.append(littleEndian: UInt32(clamping: value.count))
        bytes.append(contentsOf: value)
    }

    mutating func write(_ tag: Tag, _ value: String) { write(tag, bytes: value.utf8) }

    mutating func write(_ tag: Tag, _ value: UInt64) {
        bytes.append(littleEndian: tag.rawValue)
        bytes.append(littleEndian: UInt32(8))
        bytes.append(littleEndian: value)
    }

    mutating func write(_ tag: Tag, _ value: some RawRepresentable<UInt8>) { write(tag, UInt64(value.rawValue)) }

    mutating func write(_ tag: Tag, _ value: Bool) { write(tag, value ? 1 : 0) }

    mutating func write(_ tag: Tag, _ value: JobID) { write(tag, bytes: value.bytes) }

    mutating func write(_ tag: Tag, _ record: some FieldRecord) {
        var inner = FieldWriter()
        record.encode(into: &inner)
        write(tag, bytes: inner.bytes)
    }
}

/// The fields of one message or of one nested record, as they arrived.
///
/// Each reading method takes its field out; what is left in the end was unknown, and refused if critical.
struct Fields {
    private var fields: [(tag: Tag, value: ArraySlice<UInt8>)] = []
    /// What is decoded, for error messages: made only for those.
    private let makeSubject: () -> String
    private var subject: String { makeSubject() }

    /// - Throws: `malformedFrame` when the bytes are not a sequence of whole fields.
    init(_ bytes: ArraySlice<UInt8>, of subject: @escaping @autoclosure () -> String) throws(ArtifactError) {
        makeSubject = subject
        var rest = bytes
        while !rest.isEmpty {
            guard rest.count >= 6 else {
                throw ArtifactError(.malformedFrame, "\(subject()): \(rest.count) bytes are left over after the last field")
            }
            var reader = LittleEndianReader(rest.prefix(6))
            let tag = Tag(rawValue: reader.integer())
            let length = Int(reader.integer() as UInt32)
            rest = rest.dropFirst(6)
            guard length <= rest.count else {
                throw ArtifactError(
                    .malformedFrame, "\(subject()): field \(tag.number) announces \(length) bytes, \(rest.count) are left")
            }
            fields.append((tag, rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
    }

    /// Every value of a repeated field.
    mutating func all(_ tag: Tag) -> [ArraySlice<UInt8>] {
        let values = fields.filter { $0.tag == tag }.map(\.value)
        if !values.isEmpty { fields.removeAll { $0.tag == tag } }
        return values
    }

    mutating func bytes(_ tag: Tag) throws(ArtifactError) -> ArraySlice<UInt8>? {
        guard let index = fields.firstIndex(where: { $0.tag == tag }) else { return nil }
        let value = fields.remove(at: index).value
        if fields.contains(where: { $0.tag == tag }) {
            throw ArtifactError(.malformedFrame, "\(subject): field \(tag.number) stands twice")
        }
        return value
    }

    mutating func string(_ tag: Tag) throws(ArtifactError) -> String? {
        guard let value = try bytes(tag) else { return nil }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw ArtifactError(.invalidRequest, "\(subject): field \(tag.number) is not UTF-8; send text in UTF-8")
        }
        return text
    }

    mutating func integer(_ tag: Tag) throws(ArtifactError) -> UInt64? {
        guard let value = try bytes(tag) else { return nil }
        return try integer(value, tag)
    }

    mutating func integer<Value: FixedWidthInteger>(_ tag: Tag, as type: Value.Type) throws(ArtifactError) -> Value? {
        guard let wide = try integer(tag) else { return nil }
        return try narrowed(wide, tag)
    }

    /// Every value of a repeated integer.
    mutating func integers<Value: FixedWidthInteger>(_ tag: Tag, as type: Value.Type) throws(ArtifactError) -> [Value] {
        var values: [Value] = []
        for value in all(tag) { values.append(try narrowed(try integer(value, tag), tag)) }
        return values
    }

    private func integer(_ value: ArraySlice<UInt8>, _ tag: Tag) throws(ArtifactError) -> UInt64 {
        guard value.count == 8 else {
            throw ArtifactError(.malformedFrame, "\(subject): field \(tag.number) is an integer of \(value.count) bytes, not 8")
        }
        var reader = LittleEndianReader(value)
        return reader.integer()
    }

    private func narrowed<Value: FixedWidthInteger>(_ wide: UInt64, _ tag: Tag) throws(ArtifactError) -> Value {
        guard let value = Value(exactly: wide) else {
            throw ArtifactError(.invalidRequest, "\(subject): field \(tag.number) is \(wide), more than \(Value.max)")
        }
        return value
    }

    /// A time, or another signed integer.
    mutating func signed(_ tag: Tag) throws(ArtifactError) -> Int64? { try integer(tag).map { Int64(bitPattern: $0) } }

    mutating func flag(_ tag: Tag) throws(ArtifactError) -> Bool { try integer(tag, as: UInt8.self).map { $0 != 0 } ?? false }

    mutating func choice<Choice: RawRepresentable<UInt8>>(_ tag: Tag, _ type: Choice.Type) throws(ArtifactError) -> Choice? {
        guard let number = try integer(tag) else { return nil }
        guard let byte = UInt8(exactly: number), let choice = Choice(rawValue: byte) else {
            throw ArtifactError(.invalidRequest, "\(subject): \(number) is no \(Choice.self) (field \(tag.number))")
        }
        return choice
    }

    mutating func jobID(_ tag: Tag) throws(ArtifactError) -> JobID? {
        guard let value = try bytes(tag) else { return nil }
        guard let id = JobID(bytes: value) else { throw wrongJobID(value) }
        return id
    }

    mutating func jobIDs(_ tag: Tag) throws(ArtifactError) -> [JobID] {
        var ids: [JobID] = []
        for value in all(tag) {
            guard let id = JobID(bytes: value) else { throw wrongJobID(value) }
            ids.append(id)
        }
        return ids
    }

    /// A nested record.
    /// - Parameter subject: what it is, for error messages.
    mutating func record<Record: FieldRecord>(
        _ tag: Tag, of subject: String, as type: Record.Type = Record.self
    ) throws(ArtifactError) -> Record? {
        guard let value = try bytes(tag) else { return nil }
        return try Self.record(value, of: subject)
    }

    /// Every value of a repeated nested record.
    mutating func records<Record: FieldRecord>(_ tag: Tag, of subject: String) throws(ArtifactError) -> [Record] {
        var records: [Record] = []
        for value in all(tag) { records.append(try Self.record(value, of: subject)) }
        return records
    }

    private static func record<Record: FieldRecord>(
        _ value: ArraySlice<UInt8>, of subject: String
    ) throws(ArtifactError) -> Record {
        var inner = try Fields(value, of: subject)
        let record = try Record(from: &inner)
        try inner.finish()
        return record
    }

    private func wrongJobID(_ value: ArraySlice<UInt8>) -> ArtifactError {
        ArtifactError(.malformedFrame, "\(subject): a job id has 16 bytes, not \(value.count)")
    }

    /// The value, or the complaint that it is missing.
    func required<Value>(_ value: Value?, _ name: String) throws(ArtifactError) -> Value {
        guard let value else { throw ArtifactError(.invalidRequest, "\(subject): the field '\(name)' is missing") }
        return value
    }

    /// Refuses the message where the rule does not hold.
    func require(_ rule: Bool, _ complaint: @autoclosure () -> String) throws(ArtifactError) {
        if !rule { throw ArtifactError(.invalidRequest, "\(subject): \(complaint())") }
    }

    /// Refuses what is left if any of it is critical; the rest is skipped.
    func finish() throws(ArtifactError) {
        guard let unknown = fields.first(where: { $0.tag.isCritical }) else { return }
        throw ArtifactError(
            .unsupportedMessage, "\(subject): the critical field \(unknown.tag.number) is not known here")
    }
}
