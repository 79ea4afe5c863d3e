/// Where objects lie: a bucket with a prefix, or a directory. What `--store` names, and what a destination must lie below.
public enum StoreLocation: Hashable, Sendable, CustomStringConvertible {
    /// `s3://bucket[/prefix]`; the prefix bears no slash at either end and may be empty.
    case s3(bucket: String, prefix: String)
    /// `file:///dir`; an absolute path without a slash at its end.
    case directory(path: String)

    /// A location from its URL.
    ///
    /// The text after the scheme is taken as it stands: nothing is percent-decoded.
    /// - Throws: `ArtifactError` with `invalidRequest` that names what is wrong.
    public init(url: String) throws(ArtifactError) {
        if let rest = url.dropping(prefix: "s3://") {
            let bucket = rest.prefix { $0 != "/" }
            let prefix = rest.dropFirst(bucket.count).trimmingSlashes()
            guard Self.isBucketName(bucket) else {
                throw ArtifactError(
                    .invalidRequest,
                    "store '\(url.escapedForLog)': '\(String(bucket).escapedForLog)' is not a bucket name "
                        + "(3 to 63 of a-z, 0-9, '.', '-', '_'); write s3://bucket or s3://bucket/prefix")
            }
            if !prefix.isEmpty { try ObjectKey.check(prefix) }
            self = .s3(bucket: String(bucket), prefix: prefix)
        } else if let rest = url.dropping(prefix: "file://") {
            guard rest.hasPrefix("/") else {
                throw ArtifactError(
                    .invalidRequest,
                    "store '\(url.escapedForLog)': the path must be absolute; write file:///dir with three slashes")
            }
            self = .directory(path: rest.normalizedPath)
        } else {
            throw ArtifactError(
                .invalidRequest, "store '\(url.escapedForLog)': unknown scheme; write s3://bucket[/prefix] or file:///dir")
        }
    }

    /// The URL, without a slash at its end.
    public var description: String {
        switch self {
        case .s3(let bucket, let prefix): prefix.isEmpty ? "s3://\(bucket)" : "s3://\(bucket)/\(prefix)"
        case .directory(let path): "file://\(path)"
        }
    }

    /// The key, relative to this location, that a destination names; nil when the destination lies elsewhere.
    ///
    /// A destination without a scheme is taken as relative to the location. What is returned is not checked yet: see `ObjectKey`.
    public func relativeKey(of destination: String) -> String? {
        if !destination.isURI { return destination }
        let root = description
        guard let rest = destination.dropping(prefix: root == "file:///" ? "file://" : root), rest.isEmpty || rest.hasPrefix("/")
        else { return nil }
        return String(rest.dropFirst())
    }

    /// The URI of the object with this key, relative to this location.
    public func uri(ofKey key: String) -> String {
        let root = description
        return root.hasSuffix("/") ? root + key : "\(root)/\(key)"
    }

    private static func isBucketName(_ name: Substring) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        return allowed && (3...63).contains(name.utf8.count) && name.first != "." && name.first != "-"
    }
}

extension String {
    /// Whether a scheme stands in it, and with that a place of its own. Looks at bytes: each hand-over asks, and the standard
    /// library's search of texts goes by characters, which takes many times as long.
    public var isURI: Bool {
        var rest = utf8[...]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            if rest[colon...].starts(with: "://".utf8) { return true }
            rest = rest[rest.index(after: colon)...]
        }
        return false
    }
}

extension StringProtocol {
    /// What follows the prefix; nil when the text does not begin with it.
    ///
    /// Compares bytes, not canonical equivalence: two spellings of one accented letter are two keys in S3.
    public func dropping(prefix: String) -> String? {
        guard utf8.starts(with: prefix.utf8) else { return nil }
        return String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    /// The text with control characters and backslashes written as escapes: safe in a log line and on a terminal.
    public var escapedForLog: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x0A: text += "\\n"
            case 0x5C: text += "\\\\"
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069:
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// The absolute path without empty, `.` and `..` components and without a slash at its end. Links are not looked at.
    public var normalizedPath: String {
        var components: [SubSequence] = []
        for component in split(separator: "/") where component != "." {
            if component != ".." { components.append(component) } else { _ = components.popLast() }
        }
        return "/" + components.joined(separator: "/")
    }

    fileprivate func trimmingSlashes() -> String {
        var text = Substring(String(self))
        while text.first == "/" { text.removeFirst() }
        while text.last == "/" { text.removeLast() }
        return String(text)
    }
}
