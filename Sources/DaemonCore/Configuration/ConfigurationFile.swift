public import ArtifactModel
import Glibc
import LinuxSystem
import Yams

extension ConfigurationSource {
    /// The largest configuration file that is read, in bytes.
    private static let maximumFileSize = 1 << 20

    /// What the YAML file at a path says.
    public init(file path: String) throws(ArtifactError) {
        var bytes = [UInt8](repeating: 0, count: Self.maximumFileSize)
        var count = 0
        try kernelCalls(orThrow: .invalidRequest, "the configuration '\(path.escapedForLog)' cannot be read") {
            () throws(SystemError) in
            let file = try System.open(path, O_RDONLY)
            try bytes.fill { (buffer) throws(SystemError) in count = try System.read(file.number, into: buffer, at: 0) }
        }
        bytes.removeLast(bytes.count - count)
        guard bytes.count < Self.maximumFileSize else {
            throw ArtifactError(.invalidRequest, "the configuration '\(path.escapedForLog)' is larger than 1 MiB")
        }
        guard let yaml = String(validating: bytes, as: UTF8.self) else {
            throw ArtifactError(.invalidRequest, "the configuration '\(path.escapedForLog)' is not UTF-8")
        }
        try self.init(yaml: yaml, name: path)
    }

    /// What a YAML file says.
    /// - Parameter name: how the file is called in errors.
    /// - Throws: `invalidRequest` that names the file, the line and the key.
    public init(yaml: String, name: String, users: some UserDatabase = SystemUsers()) throws(ArtifactError) {
        func refuse(_ node: Node?, _ why: String) -> ArtifactError {
            ArtifactError(.invalidRequest, "\(name)\(node?.mark.map { ":\($0.line)" } ?? ""): \(why)")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw ArtifactError(.invalidRequest, "\(name)\(Self.describe(error))")
        } catch {
            throw ArtifactError(.invalidRequest, "\(name): not readable as YAML", cause: "\(error)")
        }
        guard let root, root.null == nil || root.mapping != nil else { return }
        guard let mapping = root.mapping else { throw refuse(root, "the file is no mapping of keys to values") }
        for (keyNode, node) in mapping {
            guard let key = keyNode.string else { throw refuse(keyNode, "a key is no text") }
            switch key {
            case "destinations":
                guard let sequence = node.sequence else {
                    throw refuse(node, "destinations is no list; write - s3://bucket/prefix")
                }
                var list: [Value] = []
                for item in sequence {
                    guard let text = item.string else { throw refuse(item, "destinations: an item is no text") }
                    list.append(Value(text: text, place: "\(name):\(item.mark?.line ?? 0): destinations"))
                }
                destinations = list
            case "peers":
                guard let sequence = node.sequence else { throw refuse(node, "peers is no list") }
                var rules: [PeerRule] = []
                for item in sequence { rules.append(try Self.rule(item, users, refuse)) }
                peers = rules
            case "s3":
                guard let inner = node.mapping else { throw refuse(node, "s3 is no mapping") }
                for (innerKey, innerNode) in inner {
                    try set("s3.\(innerKey.string ?? "")", keyNode: innerKey, innerNode, name, refuse)
                }
            default:
                try set(key, keyNode: keyNode, node, name, refuse)
            }
        }
    }

    private mutating func set(
        _ name: String, keyNode: Node, _ node: Node, _ file: String, _ refuse: (Node?, String) -> ArtifactError
    ) throws(ArtifactError) {
        guard let key = Key(rawValue: name) else {
            let known = (Key.allCases.map(\.rawValue) + ["destinations", "peers"]).sorted().joined(separator: ", ")
            throw refuse(keyNode, "unknown key '\(name.escapedForLog)'; known are \(known)")
        }
        guard let scalar = node.scalar else { throw refuse(node, "\(name) takes one value") }
        if values[key] != nil { throw refuse(keyNode, "the key '\(name)' stands twice") }
        values[key] = Value(text: scalar.string, place: "\(file):\(keyNode.mark?.line ?? 0)")
    }

    private static func rule(
        _ node: Node, _ users: some UserDatabase, _ refuse: (Node?, String) -> ArtifactError
    ) throws(ArtifactError) -> PeerRule {
        let form = "write {user: NAME, tenants: [NAME, …]}, with uid, user or group, and \"*\" for any tenant"
        guard let mapping = node.mapping else { throw refuse(node, "peers: a rule is no mapping; \(form)") }
        var subjects: [PeerRule.Subject] = []
        var tenants: [String]??
        for (keyNode, value) in mapping {
            let text = value.scalar?.string ?? ""
            switch keyNode.string {
            case "uid":
                guard let uid = UInt32(text) else { throw refuse(value, "peers: '\(text.escapedForLog)' is no uid") }
                subjects.append(.uid(uid))
            case "user":
                guard let uid = users.uid(ofUser: text) else {
                    throw refuse(value, "peers: there is no user '\(text.escapedForLog)'")
                }
                subjects.append(.uid(uid))
            case "group":
                guard let gid = users.gid(ofGroup: text) else {
                    throw refuse(value, "peers: there is no group '\(text.escapedForLog)'")
                }
                subjects.append(.gid(gid))
            case "tenants":
                if text == "*" {
                    tenants = .some(nil)
                } else if let list = value.sequence?.compactMap({ $0.string }), !list.isEmpty, list.count == value.sequence?.count
                {
                    tenants = list
                } else {
                    throw refuse(value, "peers: tenants is neither a list of names nor \"*\"")
                }
            default:
                throw refuse(keyNode, "peers: unknown key '\((keyNode.string ?? "").escapedForLog)'; \(form)")
            }
        }
        guard let subject = subjects.first, let tenants else {
            throw refuse(node, "peers: a rule lacks its subject or its tenants; \(form)")
        }
        guard subjects.count == 1 else {
            throw refuse(node, "peers: a rule is for one of uid, user and group; write a rule for each")
        }
        return PeerRule(subject: subject, tenants: tenants)
    }

    /// `:LINE: what is wrong`.
    private static func describe(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            ":\(mark.line): \(problem) in column \(mark.column)"
        case .duplicatedKeysInMapping(let keys, let context):
            ":\(line(of: keys, in: context)): the key \(keys.map { "'\($0.escapedForLog)'" }.joined(separator: ", ")) stands twice"
        default: ": \(error)"
        }
    }

    /// Where the first of the keys stands for the second time; Yams says only where the mapping begins.
    private static func line(of keys: [String], in context: YamlError.Context) -> Int {
        let lines = context.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().dropFirst(
            max(0, context.mark.line - 1))
        let standing = lines.filter { _, line in
            let text = line.drop { $0 == " " }
            return keys.contains { text.dropping(prefix: $0)?.drop { $0 == " " }.first == ":" }
        }
        return standing.dropFirst().first.map { $0.offset + 1 } ?? context.mark.line
    }
}

/// Names of users and groups to numbers.
public protocol UserDatabase {
    func uid(ofUser name: String) -> UInt32?
    func gid(ofGroup name: String) -> UInt32?
}

/// The system's users and groups.
public struct SystemUsers: UserDatabase {
    public init() {}
    public func uid(ofUser name: String) -> UInt32? { System.userID(named: name) }
    public func gid(ofGroup name: String) -> UInt32? { System.groupID(named: name) }
}
