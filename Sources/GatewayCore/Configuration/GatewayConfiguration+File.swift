public import ArtifactModel
import Glibc
import LinuxSystem
import Logging
import Yams

extension GatewayConfiguration {
    /// The settings of a YAML file.
    /// - Throws: `invalidRequest` that names the file, the line and the key.
    public init(file path: String) throws(ArtifactError) {
        try self.init(yaml: try SmallFile.text(path, name: "configuration"), name: path)
    }

    /// The settings that YAML text says.
    /// - Parameter name: how the text is called in errors.
    init(yaml: String, name: String) throws(ArtifactError) {
        self.init()
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ArtifactError(.invalidRequest, "\(name): not readable as YAML: \(error)")
        }
        guard let root, root.null == nil || root.mapping != nil else { return }
        let file = ConfigurationText(name: name)
        guard let mapping = root.mapping else { throw file.refusal(root, "the file is no mapping of keys to values") }
        for (keyNode, node) in mapping { try set(keyNode, node, file) }
    }

    private mutating func set(_ keyNode: Node, _ node: Node, _ file: ConfigurationText) throws(ArtifactError) {
        switch keyNode.string {
        case "socket": socket = try file.text(node)
        case "listen":
            do throws(ArtifactError) { listen = try ListenAddress(try file.text(node)) } catch {
                throw file.refusal(node, error.message)
            }
        case "tokens": tokens = try file.text(node)
        case "allow_anonymous_loopback": allowsAnonymousLoopback = try file.flag(node)
        case "peers": peers = try file.peers(node)
        case "max_body": maximumBody = try file.size(node)
        case "uploads": uploads = try file.number(node, 1...100_000)
        case "downloads": downloads = try file.number(node, 1...100_000)
        case "connections": connections = try file.number(node, 1...1_000_000)
        case "daemon_connections": daemonConnections = try file.number(node, 1...1000)
        case "max_header": maximumHeader = try file.number(node, 4096...(1 << 20))
        case "header_timeout": headerTimeout = .seconds(try file.number(node, 1...86_400))
        case "idle_timeout": idleTimeout = .seconds(try file.number(node, 1...86_400))
        case "stop_timeout": stopTimeout = .seconds(try file.number(node, 1...86_400))
        case "temporary": temporaryDirectory = try file.text(node)
        case "log_level":
            guard let level = Logger.Level(rawValue: try file.text(node)) else {
                throw file.refusal(node, "log_level is one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            logLevel = level
        default: throw file.refusal(keyNode, "unknown key '\((keyNode.string ?? "").escapedForLog)'")
        }
    }
}

/// Reads values of the configuration, and says where one is wrong.
private struct ConfigurationText {
    let name: String

    func refusal(_ node: Node, _ why: String) -> ArtifactError {
        ArtifactError(.invalidRequest, "\(name)\(node.mark.map { ":\($0.line)" } ?? ""): \(why)")
    }

    func text(_ node: Node) throws(ArtifactError) -> String {
        guard let text = node.scalar?.string, !text.isEmpty else { throw refusal(node, "a text is expected here") }
        return text
    }

    func flag(_ node: Node) throws(ArtifactError) -> Bool {
        switch try text(node) {
        case "true": return true
        case "false": return false
        default: throw refusal(node, "true or false is expected here")
        }
    }

    func number(_ node: Node, _ range: ClosedRange<Int>) throws(ArtifactError) -> Int {
        guard let number = Int(try text(node)), range.contains(number) else {
            throw refusal(node, "a whole number from \(range.lowerBound) to \(range.upperBound) is expected here")
        }
        return number
    }

    func size(_ node: Node) throws(ArtifactError) -> UInt64 {
        let text = try text(node)
        let units: [(String, UInt64)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)]
        let unit = units.first { text.hasSuffix($0.0) }
        let digits = text.dropLast(unit?.0.count ?? 0)
        guard let number = UInt64(digits), number > 0 else {
            throw refusal(node, "a number of bytes, or one with KiB, MiB, GiB or TiB behind it, is expected here")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        return overflow ? .max : bytes
    }

    func peers(_ node: Node) throws(ArtifactError) -> [PeerRule] {
        guard let sequence = node.sequence else { throw refusal(node, "peers is no list") }
        var rules: [PeerRule] = []
        for item in sequence { rules.append(try rule(item)) }
        return rules
    }

    private func rule(_ node: Node) throws(ArtifactError) -> PeerRule {
        let form = "write {user: NAME, tenants: [NAME, …]}, with uid, user or group, and \"*\" for any tenant"
        guard let mapping = node.mapping else { throw refusal(node, "peers: a rule is no mapping; \(form)") }
        var subject: PeerRule.Subject?
        var tenants: Tenants?
        for (keyNode, value) in mapping {
            let text = value.scalar?.string ?? ""
            switch keyNode.string {
            case "uid":
                guard let uid = UInt32(text) else { throw refusal(value, "peers: '\(text.escapedForLog)' is no uid") }
                subject = .user(uid)
            case "user":
                guard let uid = System.userID(named: text) else {
                    throw refusal(value, "peers: there is no user '\(text.escapedForLog)'")
                }
                subject = .user(uid)
            case "group":
                guard let gid = System.groupID(named: text) else {
                    throw refusal(value, "peers: there is no group '\(text.escapedForLog)'")
                }
                subject = .group(gid)
            case "tenants":
                let names = value.sequence.map { $0.compactMap(\.string) } ?? []
                guard text == "*" || (!names.isEmpty && names.count == value.sequence?.count && names.allSatisfy(Tenants.isName))
                else {
                    throw refusal(value, "peers: tenants is neither a list of tenants nor \"*\"")
                }
                tenants = text == "*" ? .any : .these(names)
            default: throw refusal(keyNode, "peers: unknown key '\((keyNode.string ?? "").escapedForLog)'; \(form)")
            }
        }
        guard let subject, let tenants else { throw refusal(node, "peers: a rule lacks its subject or its tenants; \(form)") }
        return PeerRule(subject: subject, tenants: tenants)
    }
}
