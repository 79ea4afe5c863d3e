public import ArtifactModel

/// One member of a group of a run: a rank of a distributed job, usually.
public struct GroupMember: Sendable, Equatable {
    /// The group's name within the run.
    public var group: String
    /// Which member, from 0.
    public var number: UInt32

    public init(group: String, number: UInt32) {
        self.group = group
        self.number = number
    }
}

/// Has the manifest written of what was handed over so far, once all of it is stored. Answered with `Message.committing`.
public struct Commit: FramePayload {
    static let type = MessageType.commit

    /// What is complete.
    public enum Scope: Sendable, Equatable {
        /// All that this daemon was given for the run.
        case run
        /// One member of a group, of which there are so many.
        case member(GroupMember, of: UInt32)
    }

    public var runID: String
    public var scope: Scope

    public init(runID: String, scope: Scope = .run) {
        self.runID = runID
        self.scope = scope
    }

    private enum Tags {
        static let runID = Tag(critical: 1)
        static let group = Tag(critical: 2)
        static let member = Tag(critical: 3)
        static let members = Tag(critical: 4)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.runID, runID)
        guard case .member(let member, let members) = scope else { return }
        fields.write(Tags.group, member.group)
        fields.write(Tags.member, UInt64(member.number))
        fields.write(Tags.members, UInt64(members))
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        runID = try fields.runID(Tags.runID)
        let member = try fields.groupMember(group: Tags.group, member: Tags.member)
        let members = try fields.integer(Tags.members, as: UInt32.self)
        guard let member else {
            try fields.require(members == nil, "the number of members is named, but no group that has them")
            scope = .run
            return
        }
        let count = try fields.required(members, "members")
        try fields.require(
            (1...RegistryLimits.groupMembers).contains(count),
            "a group has 1 to \(RegistryLimits.groupMembers) members, not \(count)")
        try fields.require(member.number < count, "there is no member \(member.number) in a group of \(count), numbered from 0")
        scope = .member(member, of: count)
    }
}

/// Answers when a run or a group is committed, or cannot be, or the time is up.
public struct WaitCommit: FramePayload {
    static let type = MessageType.waitCommit

    public var runID: String
    /// nil for what this daemon was given for the run.
    public var group: String?
    /// In milliseconds; nil to wait without end, 0 to learn how it stands now.
    public var timeout: UInt64?

    public init(runID: String, group: String? = nil, timeout: UInt64? = nil) {
        self.runID = runID
        self.group = group
        self.timeout = timeout
    }

    private enum Tags {
        static let runID = Tag(critical: 1)
        static let group = Tag(critical: 2)
        static let timeout = Tag(critical: 3)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.runID, runID)
        if let group { fields.write(Tags.group, group) }
        if let timeout { fields.write(Tags.timeout, timeout) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        runID = try fields.runID(Tags.runID)
        group = try fields.group(Tags.group)
        timeout = try fields.integer(Tags.timeout)
    }
}

/// The answer to `WaitCommit`.
public struct CommitWaited: FramePayload {
    static let type = MessageType.commitWaited

    /// The most missing members that are named.
    public static let maximumMissing = 1000

    public var isCommitted: Bool
    /// How many of its artifacts are still to be stored.
    public var pending: UInt64
    /// How many of its artifacts have failed.
    public var failed: UInt64
    /// The members of the group that are not complete, by rising number; the first `maximumMissing` of them.
    public var missing: [UInt32]
    /// Why it is not committed, where something is wrong.
    public var error: ArtifactError?

    public init(
        isCommitted: Bool, pending: UInt64 = 0, failed: UInt64 = 0, missing: [UInt32] = [], error: ArtifactError? = nil
    ) {
        self.isCommitted = isCommitted
        self.pending = pending
        self.failed = failed
        self.missing = missing
        self.error = error
    }

    private enum Tags {
        static let committed = Tag(critical: 1)
        static let pending = Tag(2)
        static let failed = Tag(3)
        static let missing = Tag(4)
        static let error = Tag(5)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.committed, isCommitted)
        fields.write(Tags.pending, pending)
        fields.write(Tags.failed, failed)
        for member in missing { fields.write(Tags.missing, UInt64(member)) }
        if let error { fields.write(Tags.error, ErrorMessage(error)) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        isCommitted = try fields.required(fields.integer(Tags.committed, as: UInt8.self), "committed") != 0
        pending = try fields.integer(Tags.pending) ?? 0
        failed = try fields.integer(Tags.failed) ?? 0
        missing = try fields.integers(Tags.missing, as: UInt32.self)
        error = try fields.record(Tags.error, of: "commit error", as: ErrorMessage.self)?.error
    }
}
