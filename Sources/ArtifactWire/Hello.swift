import ArtifactModel

/// What a side can do beyond the bare protocol version. Unknown bits are ignored; what both sides name is in force.
public struct Features: OptionSet, Sendable, Equatable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Spool files: `openSpool` and `put` from a spool.
    public static let spool = Features(rawValue: 1 << 0)
    /// Reading, listing and deleting objects.
    public static let objects = Features(rawValue: 1 << 1)

    /// Experiments, runs and their artifacts.
    public static let runs = Features(rawValue: 1 << 2)

    /// Parts of objects, and their bytes as they lie in the store: the optional fields of `get`.
    public static let ranges = Features(rawValue: 1 << 3)

    /// All that this version serves.
    public static let all: Features = [.spool, .objects, .runs, .ranges]
}

/// The client's first message.
public struct Hello: FramePayload {
    static let type = MessageType.hello

    /// The protocol version that this code speaks.
    public static let version: UInt16 = 1

    /// The lowest and the highest protocol version that the client speaks.
    public var versions: ClosedRange<UInt16>
    public var features: Features
    /// Who is speaking, for the log: `artifactctl/0.1.0`.
    public var client: String
    /// The tenant that the client means to act for; nil for the one its uid implies.
    public var tenant: String?

    public init(
        versions: ClosedRange<UInt16> = Hello.version...Hello.version, features: Features = .all, client: String,
        tenant: String? = nil
    ) {
        self.versions = versions
        self.features = features
        self.client = client
        self.tenant = tenant
    }

    private enum Tags {
        static let lowest = Tag(critical: 1)
        static let highest = Tag(critical: 2)
        static let features = Tag(3)
        static let client = Tag(4)
        static let tenant = Tag(critical: 5)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.lowest, UInt64(versions.lowerBound))
        fields.write(Tags.highest, UInt64(versions.upperBound))
        fields.write(Tags.features, features.rawValue)
        fields.write(Tags.client, client)
        if let tenant { fields.write(Tags.tenant, tenant) }
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        let lowest = try fields.required(fields.integer(Tags.lowest, as: UInt16.self), "lowest version")
        let highest = try fields.required(fields.integer(Tags.highest, as: UInt16.self), "highest version")
        guard lowest <= highest else {
            throw ArtifactError(.invalidRequest, "hello: the versions \(lowest) to \(highest) are no range")
        }
        versions = lowest...highest
        features = Features(rawValue: try fields.integer(Tags.features) ?? 0)
        client = try fields.string(Tags.client) ?? ""
        tenant = try fields.string(Tags.tenant)
    }
}

/// The daemon's answer to `Hello`: what is in force on this connection.
public struct Welcome: FramePayload {
    static let type = MessageType.welcome

    /// The protocol version from here on.
    public var version: UInt16
    /// What both sides can do.
    public var features: Features
    /// The daemon's name and version: `artifactd/0.1.0`.
    public var server: String
    public var pid: UInt32
    /// The tenant that requests count for.
    public var tenant: String
    /// The store's URL.
    public var store: String
    /// The most bytes that `put` takes inline.
    public var inlineLimit: UInt64
    /// The most requests that the daemon has open for one connection; it stops reading while there are so many.
    public var requestLimit: UInt32

    public init(
        version: UInt16, features: Features, server: String, pid: UInt32, tenant: String, store: String, inlineLimit: UInt64,
        requestLimit: UInt32
    ) {
        self.version = version
        self.features = features
        self.server = server
        self.pid = pid
        self.tenant = tenant
        self.store = store
        self.inlineLimit = inlineLimit
        self.requestLimit = requestLimit
    }

    private enum Tags {
        static let version = Tag(critical: 1)
        static let features = Tag(2)
        static let server = Tag(3)
        static let pid = Tag(4)
        static let tenant = Tag(5)
        static let store = Tag(6)
        static let inlineLimit = Tag(7)
        static let requestLimit = Tag(8)
    }

    func encode(into fields: inout FieldWriter) {
        fields.write(Tags.version, UInt64(version))
        fields.write(Tags.features, features.rawValue)
        fields.write(Tags.server, server)
        fields.write(Tags.pid, UInt64(pid))
        fields.write(Tags.tenant, tenant)
        fields.write(Tags.store, store)
        fields.write(Tags.inlineLimit, inlineLimit)
        fields.write(Tags.requestLimit, UInt64(requestLimit))
    }

    init(from fields: inout Fields) throws(ArtifactError) {
        version = try fields.required(fields.integer(Tags.version, as: UInt16.self), "version")
        features = Features(rawValue: try fields.integer(Tags.features) ?? 0)
        server = try fields.string(Tags.server) ?? ""
        pid = try fields.integer(Tags.pid, as: UInt32.self) ?? 0
        tenant = try fields.required(fields.string(Tags.tenant), "tenant")
        store = try fields.required(fields.string(Tags.store), "store")
        inlineLimit = try fields.required(fields.integer(Tags.inlineLimit), "inline limit")
        requestLimit = try fields.required(fields.integer(Tags.requestLimit, as: UInt32.self), "request limit")
    }
}
