public import ArtifactModel
import LinuxSystem
import Logging
import S3

/// What one source (the command line, the environment, the file) says; nil for what it leaves open.
public struct ConfigurationSource: Sendable {
    /// The values by key, as text, each with the place it stands at.
    var values: [Key: Value] = [:]
    var destinations: [Value]?
    var peers: [PeerRule]?

    public init() {}

    struct Value: Sendable {
        var text: String
        /// `--socket`, `ARTIFACTD_SOCKET` or `FILE:LINE`: for the error message.
        var place: String
    }

    /// The keys with one value. The spelling is the file's; the environment's is `ARTIFACTD_` and the key in capitals.
    public enum Key: String, CaseIterable, Sendable {
        case socket, state, store, compression, workers, buffers, connections, descriptors, retention
        case changePolicy = "on_change"
        case partSize = "part_size"
        case queueJobs = "queue_jobs"
        case queueBytes = "queue_bytes"
        case inlineLimit = "inline_limit"
        case spoolQuota = "spool_quota"
        case requestsPerConnection = "requests_per_connection"
        case retentionJobs = "retention_jobs"
        case logLevel = "log_level"
        case s3Integrity = "s3.integrity"
        case s3PathStyle = "s3.path_style"
        case s3PayloadSigning = "s3.payload_signing"

        /// The environment variable of this key.
        var variable: String { "ARTIFACTD_" + rawValue.uppercased().replacing(".", with: "_") }
    }

    /// Sets a value that stands on the command line.
    public mutating func set(_ key: Key, flag: String, _ text: String?) {
        if let text { values[key] = Value(text: text, place: flag) }
    }

    /// What the environment says.
    public init(environment: [String: String]) {
        for key in Key.allCases {
            if let text = environment[key.variable], !text.isEmpty { values[key] = Value(text: text, place: key.variable) }
        }
    }
}

extension ConfigurationSource {
    /// Variables of this project that are not the daemon's settings.
    private static let foreign: Set<String> = [
        "ARTIFACTD_CONFIG", "ARTIFACTD_OFFLINE_DIR", "ARTIFACTD_MLFLOW", "ARTIFACTD_BIN", "ARTIFACTD_WEED",
    ]

    /// What to tell about variables that look like settings and are none: a slip of the pen would otherwise go unseen.
    ///
    /// They are no errors: what a later client reads may stand in the same environment.
    public static func unknownVariables(in environment: [String: String]) -> [String] {
        let known = Set(Key.allCases.map(\.variable)).union(foreign)
        return environment.keys.filter { $0.hasPrefix("ARTIFACTD_") && !known.contains($0) }.sorted().map { name in
            let nearest = Key.allCases.map(\.variable).map { ($0, name.editDistance(to: $0)) }.min { $0.1 < $1.1 }
            let hint = nearest.flatMap { $0.1 <= 3 ? "; is \($0.0) meant?" : nil } ?? ""
            return "the environment variable \(name.escapedForLog) is no setting of artifactd and is ignored\(hint)"
        }
    }
}

extension String {
    /// How many bytes must be inserted, removed or replaced to turn one text into the other (Levenshtein).
    fileprivate func editDistance(to other: String) -> Int {
        var row = Array(0...other.utf8.count)
        for (index, byte) in utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, wanted) in other.utf8.enumerated() {
                let replaced = diagonal + (byte == wanted ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = Swift.min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[other.utf8.count]
    }
}

extension Configuration {
    /// The configuration that the sources give together.
    /// - Parameter sources: the one that counts most first.
    /// - Throws: `invalidRequest` that names the place, the key, the value and what would do.
    public static func resolve(
        _ sources: [ConfigurationSource], environment: [String: String]
    ) throws(ArtifactError) -> Configuration {
        func value(_ key: ConfigurationSource.Key) -> ConfigurationSource.Value? {
            for source in sources { if let value = source.values[key] { return value } }
            return nil
        }
        func set<Result>(
            _ key: ConfigurationSource.Key, _ field: WritableKeyPath<Configuration, Result>,
            in configuration: inout Configuration,
            _ expected: String, _ parse: (String) -> Result?
        ) throws(ArtifactError) {
            guard let value = value(key) else { return }
            guard let result = parse(value.text) else {
                throw ArtifactError(
                    .invalidRequest, "\(value.place): \(key.rawValue) is '\(value.text.escapedForLog)'; write \(expected)")
            }
            configuration[keyPath: field] = result
        }
        func location(_ text: String, _ place: String) throws(ArtifactError) -> StoreLocation {
            do throws(ArtifactError) {
                // A directory may be named by its plain path too; a bare word stays refused: it may lack its s3://.
                let isPath = [".", ".."].contains(text) || ["/", "./", "../"].contains { text.hasPrefix($0) }
                return try StoreLocation(url: isPath ? "file://" + (try absolute(text)) : text)
            } catch {
                throw ArtifactError(.invalidRequest, "\(place): \(error.message)", cause: error.cause)
            }
        }

        let defaults = DefaultPaths(environment: environment)
        let socket = try absolute(value(.socket), else: defaults.socket, key: .socket)
        let state = try absolute(value(.state), else: defaults.state, key: .state)
        let store =
            if let value = value(.store) { try location(value.text, value.place) } else {
                try location("file://\(state)/store", "the default store")
            }
        var result = Configuration(socket: socket, state: state, store: store)
        let size = "a number of bytes, or one with KiB, MiB or GiB behind it"
        let number = "a whole number"
        let flag = "true or false"
        try set(.compression, \.compression, in: &result, "none, gzip, zstd or auto") { Compression(name: $0).map(Optional.some) }
        try set(.changePolicy, \.changePolicy, in: &result, "fail or restart") { ChangePolicy(name: $0) }
        try set(.workers, \.workers, in: &result, number) { Int($0) }
        try set(.buffers, \.buffers, in: &result, size) { ByteSize.parse($0).flatMap(Int.init(exactly:)) }
        try set(.partSize, \.partSize, in: &result, size) { ByteSize.parse($0).flatMap(Int.init(exactly:)) }
        try set(.queueJobs, \.queueJobs, in: &result, number) { Int($0) }
        try set(.queueBytes, \.queueBytes, in: &result, size) { ByteSize.parse($0) }
        try set(.inlineLimit, \.inlineLimit, in: &result, size) { ByteSize.parse($0).flatMap(Int.init(exactly:)) }
        try set(.spoolQuota, \.spoolQuota, in: &result, size) { ByteSize.parse($0) }
        try set(.connections, \.connections, in: &result, number) { Int($0) }
        try set(.requestsPerConnection, \.requestsPerConnection, in: &result, number) { Int($0) }
        try set(.descriptors, \.descriptors, in: &result, number) { Int($0).map(Optional.some) }
        try set(.retention, \.retention, in: &result, "a number with s, m, h or d behind it") { Duration.milliseconds($0) }
        try set(.retentionJobs, \.retentionJobs, in: &result, number) { Int($0) }
        try set(.logLevel, \.logLevel, in: &result, "trace, debug, info, notice, warning, error or critical") {
            Logger.Level(rawValue: $0)
        }
        try set(.s3Integrity, \.s3.integrity, in: &result, "auto, crc64nvme, crc32c, sha256 or md5") {
            IntegritySetting(rawValue: $0)
        }
        try set(.s3PathStyle, \.s3.pathStyle, in: &result, flag) { Bool($0).map(Optional.some) }
        try set(.s3PayloadSigning, \.s3.payloadSigning, in: &result, "automatic, always or never") {
            PayloadSigning(rawValue: $0)
        }
        for source in sources {
            guard let destinations = source.destinations else { continue }
            for item in destinations { result.destinations.append(try location(item.text, item.place)) }
            break
        }
        result.peers = sources.lazy.compactMap(\.peers).first ?? []
        try result.check { value($0)?.place ?? "configuration" }
        return result
    }

    private static func absolute(
        _ value: ConfigurationSource.Value?, else fallback: String?, key: ConfigurationSource.Key
    ) throws(ArtifactError) -> String {
        if let value {
            guard !value.text.isEmpty else {
                throw ArtifactError(.invalidRequest, "\(value.place): \(key.rawValue) is empty; write a path")
            }
            do throws(ArtifactError) { return try absolute(value.text) } catch {
                throw ArtifactError(
                    .invalidRequest, "\(value.place): \(key.rawValue) cannot be used: \(error.message)", cause: error.cause)
            }
        }
        guard let fallback else {
            throw ArtifactError(
                .invalidRequest, "no \(key.rawValue) is named and there is no usual place for it here; give --\(key.rawValue)")
        }
        return fallback.normalizedPath
    }

    private static func absolute(_ path: String) throws(ArtifactError) -> String {
        if path.hasPrefix("/") { return path.normalizedPath }
        let directory = try kernelCalls(orThrow: .invalidRequest, "a relative path needs a current directory") {
            () throws(SystemError) in try System.currentDirectory()
        }
        return "\(directory)/\(path)".normalizedPath
    }
}

/// Where things usually are: for root the system's places, for others the user's (XDG Base Directory Specification 0.8).
struct DefaultPaths {
    var socket: String?
    var state: String?

    init(environment: [String: String], isRoot: Bool = System.effectiveUserID() == 0) {
        func directory(_ variable: String) -> String? { environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if isRoot {
            socket = "/run/artifactd/artifactd.sock"
            state = directory("STATE_DIRECTORY") ?? "/var/lib/artifactd"
        } else {
            socket = directory("XDG_RUNTIME_DIR").map { $0 + "/artifactd/artifactd.sock" }
            state =
                directory("STATE_DIRECTORY")
                ?? directory("XDG_STATE_HOME").map { $0 + "/artifactd" }
                ?? directory("HOME").map { $0 + "/.local/state/artifactd" }
        }
    }
}

/// Sizes as people write them.
enum ByteSize {
    /// `65536`, `64KiB`, `64 MiB`, `1GiB`, `1TiB`; nil for anything else, and for what 64 bits cannot hold.
    static func parse(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return nil }
        let shift: UInt64
        switch text.dropFirst(digits.count).drop(while: { $0 == " " }) {
        case "", "B": shift = 0
        case "KiB", "K": shift = 10
        case "MiB", "M": shift = 20
        case "GiB", "G": shift = 30
        case "TiB", "T": shift = 40
        default: return nil
        }
        let (result, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : result
    }
}

/// Lengths of time as people write them.
enum Duration {
    /// `90s`, `15m`, `12h` or `7d`, in milliseconds; nil for anything else.
    static func milliseconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let last = text.last, let unit = units[last], let number = Int64(text.dropLast()), number >= 0 else { return nil }
        let (result, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : result
    }
}
