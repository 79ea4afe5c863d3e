import ArtifactModel
import ObjectStore
import Pipeline

/// Verifies an object that is read whole against what was stored with it: the source's size, and a check of the source's bytes where
/// the metadata have one, else of the object's own where the store has one of the whole. What is not there is not verified.
struct ReadCheck {
    private let size: String?
    private let isOfSource: Bool
    private let expected: String?
    private var found: CRC
    private var decoded: UInt64 = 0

    /// - Parameter isRaw: whether its bytes are not decoded. Of an encoded object, the source's size and check say nothing then.
    init(_ info: ObjectInfo, isRaw: Bool) {
        let isSource = !isRaw || info.encoding == .identity
        size = isSource ? info.metadata[ObjectMetadata.size] : "\(info.size)"
        if isSource, let check = info.metadata[ObjectMetadata.check] {
            (isOfSource, expected, found) = (true, check, .empty(.crc32c))
            return
        }
        guard let words = info.checksum?.split(separator: ":", maxSplits: 1), words.count == 2,
            let algorithm = [CRC.Algorithm.crc32c, .crc64nvme].first(where: { "\($0)" == words[0] }),
            // `value-parts` is a check of the parts' checks.
            !words[1].contains("-")
        else {
            (isOfSource, expected, found) = (false, nil, .empty(.crc32c))
            return
        }
        (isOfSource, expected, found) = (false, String(words[1]), .empty(algorithm))
    }

    /// Takes bytes as they lie in the store.
    mutating func add(stored bytes: UnsafeRawBufferPointer) {
        if !isOfSource, expected != nil { add(bytes) }
    }

    /// Takes bytes as they were handed over.
    mutating func add(decoded bytes: UnsafeRawBufferPointer) {
        decoded += UInt64(bytes.count)
        if isOfSource { add(bytes) }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        found = found.joined(with: Checksummer.crc(found.algorithm, bytes))
    }

    /// - Throws: `corruptObject` when the bytes are not those that were stored.
    func finish() throws(ArtifactError) {
        if let size, size != "\(decoded)" {
            throw ArtifactError(.corruptObject, "it has \(decoded) bytes and not \(size.escapedForLog), as it was stored with")
        }
        guard let expected, found.base64 != expected else { return }
        throw ArtifactError(
            .corruptObject, "its checksum is not the one it was stored with",
            cause: "\(found.algorithm) \(found.base64) instead of \(expected)")
    }
}
