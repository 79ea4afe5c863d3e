import ArtifactModel
import ObjectStore
import Pipeline

/// Verifies an object that is read against the check that was stored with it: of the source's bytes where its metadata have one, else
/// of the object's own where the store has one of the whole.
struct ReadCheck {
    private let isOfSource: Bool
    private let expected: String
    private var found: CRC

    /// Nil where nothing was stored to verify against.
    init?(_ info: ObjectInfo) {
        if let check = info.metadata[ObjectMetadata.check] {
            (isOfSource, expected, found) = (true, check, .empty(.crc32c))
            return
        }
        guard let words = info.checksum?.split(separator: ":", maxSplits: 1), words.count == 2,
            let algorithm = [CRC.Algorithm.crc32c, .crc64nvme].first(where: { "\($0)" == words[0] }),
            // `value-parts` is a check of the parts' checks.
            !words[1].contains("-")
        else { return nil }
        (isOfSource, expected, found) = (false, String(words[1]), .empty(algorithm))
    }

    /// Takes bytes as they lie in the store.
    mutating func add(stored bytes: UnsafeRawBufferPointer) { if !isOfSource { add(bytes) } }

    /// Takes bytes as they were handed over.
    mutating func add(decoded bytes: UnsafeRawBufferPointer) { if isOfSource { add(bytes) } }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        found = found.joined(with: Checksummer.crc(found.algorithm, bytes))
    }

    /// - Throws: `corruptObject` when the bytes are not those that were stored.
    func finish() throws(ArtifactError) {
        guard found.base64 != expected else { return }
        throw ArtifactError(
            .corruptObject, "its checksum is not the one it was stored with",
            cause: "\(found.algorithm) \(found.base64) instead of \(expected)")
    }
}
