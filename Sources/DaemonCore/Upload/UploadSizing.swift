import ArtifactModel
import ObjectStore
import Pipeline

/// How large parts, chunks and the memory for them are. All sizes in bytes.
struct UploadSizing: Sendable {
    /// Under compression a source is cut into chunks of so much; each becomes one frame.
    static let chunk = 1 << 20

    /// What a connection takes of its own while it sends a part: libcurl's buffers, TLS records.
    static let connection = 1 << 20

    /// The preferred size of a part, and the size up to which an object goes in one request.
    let partSize: Int
    /// The bound of all part buffers together.
    let buffers: Int

    init(_ configuration: Configuration) {
        partSize = configuration.partSize
        buffers = configuration.buffers
    }

    func isSingle(_ size: UInt64) -> Bool { size <= UInt64(partSize) }

    /// The size of the parts of an object that is stored as it is.
    func identityPart(size: UInt64) -> UInt64 {
        UploadPlan.partSize(forSize: size, preferred: UInt64(partSize), maximumParts: StoreLimits.s3.maximumParts)
    }

    /// The encoded size that completes a part of a compressed object.
    func encodedPart(size: UInt64) -> UInt64 {
        UploadPlan.partSize(
            forSize: size, preferred: UInt64(StoreLimits.s3.minimumPartSize), maximumParts: StoreLimits.s3.maximumParts)
    }

    /// What a part buffer must hold: the target, overshot by up to one frame.
    func encodedPartCapacity(target: UInt64, _ encoding: ContentEncoding) -> Int {
        Int(target) + Compressor.bound(encoding, Self.chunk)
    }

    /// What one chunk needs while it is read and compressed, and until its frame is appended.
    func chunkCost(_ encoding: ContentEncoding) -> Int { Self.chunk + Compressor.bound(encoding, Self.chunk) }

    /// The memory of one compressing upload: a part being filled, one being sent, one that follows, and four chunks at work.
    func window(target: UInt64, _ encoding: ContentEncoding) -> Int {
        3 * encodedPartCapacity(target: target, encoding) + 4 * chunkCost(encoding)
    }

    /// Whether the buffers can serve an upload with parts of this size.
    func fits(partSize: UInt64, _ encoding: ContentEncoding) -> Bool {
        guard partSize <= UInt64(buffers - Self.connection) else { return false }
        return encoding == .identity || window(target: partSize, encoding) <= buffers
    }

    /// What all compressing uploads may have together; the rest is left to the others. At least one always fits.
    func windowsLimit(_ window: Int) -> Int { max(window, buffers / 2) }

    /// What the frames of a small object take at most.
    func singleCapacity(_ encoding: ContentEncoding, size: Int) -> Int {
        let whole = size / Self.chunk
        let rest = size % Self.chunk
        return whole * Compressor.bound(encoding, Self.chunk) + (rest > 0 || whole == 0 ? Compressor.bound(encoding, rest) : 0)
    }

    /// What a small object needs altogether, whatever its encoding turns out to be.
    func single(_ compression: Compression, size: Int) -> Int {
        func compressed(_ encoding: ContentEncoding) -> Int {
            min(size, Self.chunk) + singleCapacity(encoding, size: size)
        }
        return switch compression {
        case .none: size
        case .gzip: compressed(.gzip)
        case .zstd, .auto: compressed(.zstd)
        }
    }

    /// Refuses a file that the buffers cannot serve.
    func check(size: UInt64, compression: Compression) throws(ArtifactError) {
        if isSingle(size) { return }
        let part = identityPart(size: size)
        let canCompress = [ContentEncoding.gzip, .zstd].allSatisfy { fits(partSize: encodedPart(size: size), $0) }
        guard fits(partSize: part, .identity), compression == .none || canCompress else {
            throw ArtifactError(
                .tooLarge,
                "a file of \(size) bytes needs parts of \(part) bytes so that \(StoreLimits.s3.maximumParts) suffice, and the part "
                    + "buffers have \(buffers) bytes together; raise 'buffers' in the configuration")
        }
    }
}
