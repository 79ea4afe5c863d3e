import ArtifactModel

/// How long the texts of experiments and runs may be, and how many tags they may have.
public enum RegistryLimits {
    /// The longest name of an experiment or a run, in code points.
    public static let nameCodePoints = 255
    /// The longest description, in code points.
    public static let descriptionCodePoints = 1000
    /// The most tags of one experiment or run.
    public static let tags = 100
    /// The longest key of a tag, in bytes of UTF-8.
    public static let tagKeyBytes = 250
    /// The longest value of a tag, in bytes of UTF-8.
    public static let tagValueBytes = 5000
    /// The longest run id, in bytes.
    public static let runIDBytes = 64
    /// The longest name of a group, in bytes.
    public static let groupBytes = 128
    /// The most members of one group.
    public static let groupMembers: UInt32 = 10_000
    /// The most experiments, runs or artifacts that one answer holds.
    public static let page: UInt32 = 1000

    /// Whether the text can be an experiment's id: a UUID in lower case.
    public static func isExperimentID(_ id: String) -> Bool {
        let bytes = Array(id.utf8)
        return bytes.count == 36
            && bytes.enumerated().allSatisfy { index, byte in
                switch index {
                case 8, 13, 18, 23: byte == UInt8(ascii: "-")
                default:
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
                }
            }
    }

    /// Whether the text can be a run's id: 1 to 64 of `A-Z a-z 0-9 - _`.
    public static func isRunID(_ id: String) -> Bool {
        (1...runIDBytes).contains(id.utf8.count) && id.utf8.allSatisfy { $0.isPlain && $0 != UInt8(ascii: ".") }
    }
}

/// The rules that requests about experiments and runs have in common. All refuse with `invalidRequest`.
extension Fields {
    /// An experiment's name.
    func checkExperimentName(_ name: String) throws(ArtifactError) {
        let count = name.unicodeScalars.count
        try require(
            (1...RegistryLimits.nameCodePoints).contains(count),
            "an experiment's name has 1 to \(RegistryLimits.nameCodePoints) code points, not \(count)")
        try require(!name.hasControlCharacters, "an experiment's name has no control characters; write it on one line")
    }

    func checkDescription(_ text: String) throws(ArtifactError) {
        let count = text.unicodeScalars.count
        try require(
            count <= RegistryLimits.descriptionCodePoints,
            "the description has \(count) code points, at most \(RegistryLimits.descriptionCodePoints) are kept")
    }

    /// An experiment's id: it becomes part of keys in the store, so nothing but a UUID may pass.
    func checkExperimentID(_ id: String) throws(ArtifactError) {
        try require(
            RegistryLimits.isExperimentID(id),
            "'\(id.escapedForLog)' is no experiment id; send the UUID in lower case, or ask by name")
    }

    /// The id of a run, which is required and becomes part of keys in the store.
    mutating func runID(_ tag: Tag) throws(ArtifactError) -> String {
        let id = try required(string(tag), "run_id")
        try checkRunID(id)
        return id
    }

    func checkRunID(_ id: String) throws(ArtifactError) {
        try require(
            RegistryLimits.isRunID(id),
            "'\(id.escapedForLog)' is no run id; use 1 to \(RegistryLimits.runIDBytes) of A-Z a-z 0-9 - _")
    }

    /// The name of a group, which becomes part of keys in the store; nil where there is none.
    mutating func group(_ tag: Tag) throws(ArtifactError) -> String? {
        guard let group = try string(tag) else { return nil }
        try require(
            (1...RegistryLimits.groupBytes).contains(group.utf8.count) && group.utf8.allSatisfy(\.isPlain)
                && group != "." && group != "..",
            "'\(group.escapedForLog)' is no group; use 1 to \(RegistryLimits.groupBytes) of A-Z a-z 0-9 - _ . and not just dots")
        return group
    }

    /// A member of a group; nil where there is no group.
    mutating func groupMember(group groupTag: Tag, member memberTag: Tag) throws(ArtifactError) -> GroupMember? {
        let group = try group(groupTag)
        let number = try integer(memberTag, as: UInt32.self)
        guard let group else {
            try require(number == nil, "a member is named, but no group that it belongs to")
            return nil
        }
        let member = GroupMember(group: group, number: number ?? 0)
        try require(
            member.number < RegistryLimits.groupMembers,
            "a group has at most \(RegistryLimits.groupMembers) members, numbered from 0; this is number \(member.number)")
        return member
    }

    /// The size of a page.
    mutating func limit(_ tag: Tag, default usual: UInt32) throws(ArtifactError) -> UInt32 {
        let limit = try integer(tag, as: UInt32.self) ?? usual
        try require((1...RegistryLimits.page).contains(limit), "1 to \(RegistryLimits.page) a request; ask for further pages")
        return limit
    }
}

extension String {
    /// Whether it has one of U+0000 to U+001F and U+007F to U+009F.
    var hasControlCharacters: Bool {
        unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }
    }
}

extension UInt8 {
    /// Whether it is one of `A-Z a-z 0-9 - _ .`: what may stand in a key and a file name as it is.
    fileprivate var isPlain: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
