import ArtifactModel
import NIOCore
import Pipeline

/// Turns an object's bytes into those of an answer, and verifies them.
///
/// What one step brings is bounded, however little an object of zeros takes in the store. Belongs to one answer, whose steps follow
/// one another on whatever threads: it is unchecked because nothing else keeps two of them apart.
final class OutgoingDecoder: @unchecked Sendable {
    /// How much a step brings before it ends; the last stride may bring as much again.
    private static let enough = 256 << 10

    private let size: UInt64?
    private let checksum: String?
    private let decoder: StreamDecoder
    /// Of the bytes so far; its value counts only where a checksum is known.
    private var check = CRC.empty(.crc32c)

    /// - Parameter encoding: what is to be undone.
    /// - Parameter size: how many bytes there must be in the end; nil where it is not known.
    /// - Parameter checksum: theirs, `crc32c:` and base64; nil where it is not known.
    init(undoing encoding: ContentEncoding, size: UInt64?, checksum: String?) throws(ArtifactError) {
        self.size = size
        self.checksum = checksum
        decoder = try StreamDecoder(encoding: encoding)
    }

    /// Takes the next bytes. Blocks the thread for as long as decoding takes.
    /// - Returns: what they decode to, and how many were used; the others are to be given again.
    /// - Throws: `corruptObject` when they do not decode, or are more than there should be.
    func decode(_ input: UnsafeRawBufferPointer) throws(ArtifactError) -> (bytes: ByteBuffer, used: Int) {
        var bytes = ByteBufferAllocator().buffer(capacity: min(input.count, Self.enough))
        var used = 0
        var hasMore = false
        // What is held back once all is taken is little, and nobody would ask for it.
        while used < input.count ? bytes.readableBytes < Self.enough : hasMore {
            let rest = UnsafeRawBufferPointer(rebasing: input[used...])
            let step = try decoder.decodeSome(rest) { (decoded) throws(ArtifactError) in bytes.writeBytes(decoded) }
            used += step.used
            hasMore = step.hasMore
        }
        let length = UInt64(bytes.readableBytes)
        check =
            if checksum == nil {
                CRC(.crc32c, value: 0, length: check.length + length)
            } else {
                check.joined(with: bytes.withUnsafeReadableBytes { Checksummer.crc(.crc32c, $0) })
            }
        if let size, check.length > size { throw wrongSize() }
        return (bytes, used)
    }

    /// Says that there are no more bytes. The last that were decoded should not be sent before.
    /// - Throws: `corruptObject` when they are not those that there should be.
    func finish() throws(ArtifactError) {
        try decoder.finish()
        if let size, check.length != size { throw wrongSize() }
        if let checksum, checksum != "crc32c:\(check.base64)" {
            throw ArtifactError(
                .corruptObject, "the artifact's checksum is not the one it was stored with; store it again",
                cause: "crc32c:\(check.base64) instead of \(checksum)")
        }
    }

    private func wrongSize() -> ArtifactError {
        ArtifactError(
            .corruptObject, "\(check.length) bytes of the artifact were read, and \(size ?? 0) were stored; store it again")
    }
}
