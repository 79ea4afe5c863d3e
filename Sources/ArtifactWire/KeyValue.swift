import ArtifactModel

/// A tag of an experiment or a run, as it travels.
struct KeyValue: FieldRecord {
    var key: String
    /// nil to remove the tag, where a request changes tags.
    var value: String?

    init(key: String, value: String?) {
        self.key = key
        self.value = value
    }

    private enum Tags {
        static let key = Tag(critical: 1)
        static let value = Tag(critical: 2)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.key, key)
        if let value { fields.write(Tags.value, value) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        let key = try fields.required(fields.string(Tags.key), "key")
        try fields.require(
            (1...RegistryLimits.tagKeyBytes).contains(key.utf8.count) && !key.hasControlCharacters,
            "'\(key.escapedForLog)' is no key; use 1 to \(RegistryLimits.tagKeyBytes) bytes without control characters")
        value = try fields.string(Tags.value)
        let count = value?.utf8.count ?? 0
        try fields.require(
            count <= RegistryLimits.tagValueBytes,
            "the value of '\(key.escapedForLog)' has \(count) bytes, at most \(RegistryLimits.tagValueBytes) are kept")
        self.key = key
    }
}

extension FieldWriter {
    /// Writes tags by rising key, in the order of their bytes.
    mutating func write(_ tag: Tag, tags: [String: String]) { write(tag, changes: tags.mapValues { $0 }) }

    /// Writes changes of tags by rising key, in the order of their bytes; nil removes one.
    mutating func write(_ tag: Tag, changes: [String: String?]) {
        let sorted = changes.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (key, value) in sorted { write(tag, KeyValue(key: key, value: value)) }
    }
}

extension Fields {
    /// Tags that all have a value.
    mutating func tags(_ tag: Tag) throws(ArtifactError) -> [String: String] {
        var tags: [String: String] = [:]
        for (key, value) in try tagChanges(tag) { tags[key] = try required(value, "value of the tag \(key.escapedForLog)") }
        return tags
    }

    /// Tags to set, and without a value to remove.
    mutating func tagChanges(_ tag: Tag) throws(ArtifactError) -> [String: String?] {
        var changes: [String: String?] = [:]
        let pairs: [KeyValue] = try records(tag, of: "tag")
        for pair in pairs {
            // `String` takes two spellings of one accented letter for the same; so does the protocol, for keys of tags.
            guard changes.updateValue(pair.value, forKey: pair.key) == nil else {
                throw ArtifactError(.invalidRequest, "the tag '\(pair.key.escapedForLog)' stands twice; send it once")
            }
        }
        return changes
    }

    /// The tags of a request that makes something.
    mutating func newTags(_ tag: Tag) throws(ArtifactError) -> [String: String] {
        let tags = try tags(tag)
        try checkCount(ofTags: tags.count)
        return tags
    }

    func checkCount(ofTags count: Int) throws(ArtifactError) {
        try require(count <= RegistryLimits.tags, "\(count) tags are too many; at most \(RegistryLimits.tags) are kept")
    }
}
