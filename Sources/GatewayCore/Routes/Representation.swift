import ArtifactModel
import HTTPTypes

/// The form in which an artifact goes out (RFC 9110, section 3.2), and what is known of its bytes then.
struct Representation: Sendable, Equatable {
    /// `Content-Encoding` of the answer; identity for none.
    let encoding: ContentEncoding
    /// What must be undone of the stored bytes on the way.
    let undone: ContentEncoding
    /// In bytes; nil where it is not known before all are decoded.
    let size: UInt64?
    /// `crc32c:` and base64 of its bytes; nil where it is not known.
    let checksum: String?
    /// As a header has it; nil where the store has none.
    let tag: String?

    /// - Parameter artifact: as the registry knows it. Its size and checksum count only where the object is still that one.
    init(of artifact: ArtifactRecord, _ object: ObjectReader.Facts, as form: AcceptEncoding.Form) {
        let isCurrent = artifact.etag != nil && artifact.etag.map(Self.opaque) == object.etag.map(Self.opaque)
        let isDecoded = form == .decoded
        encoding = isDecoded ? .identity : object.encoding
        undone = isDecoded ? object.encoding : .identity
        size = isDecoded ? (isCurrent ? artifact.size : nil) : object.size
        checksum = isCurrent && encoding == .identity ? artifact.checksum : nil
        // The store's tag is of the object as it lies there. Decoded it is the same to a reader, but other bytes: a weak tag, with
        // which no range can be asked for.
        tag = object.etag.map { isDecoded ? "W/\"\(Self.opaque($0))-decoded\"" : Self.quoted($0) }
    }

    /// Whether parts of it can be had.
    var takesRanges: Bool { encoding == .identity && undone == .identity }

    /// Whether a client that names these tags has it already (`If-None-Match`: weak comparison, RFC 9110, section 8.8.3.2).
    func isKnown(to header: String) -> Bool {
        guard let tag else { return false }
        return header == "*" || header.split(separator: ",").contains { Self.opaque($0.filter { $0 != " " }) == Self.opaque(tag) }
    }

    /// Whether a range may be taken, by `If-Range`: strong comparison, so that no two versions are ever put together.
    func mayBeTakenInPart(if condition: String?) -> Bool {
        takesRanges && (condition == nil || condition == tag && tag?.hasPrefix("W/") == false)
    }

    private static func quoted(_ tag: String) -> String {
        tag.hasPrefix("\"") || tag.hasPrefix("W/") ? tag : "\"\(tag)\""
    }

    /// What stands between a tag's quotes.
    private static func opaque(_ tag: String) -> String {
        var text = tag[...]
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        if text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count > 1 { text = text.dropFirst().dropLast() }
        return String(text)
    }
}
