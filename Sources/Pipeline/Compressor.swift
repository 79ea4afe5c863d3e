public import ArtifactModel
import CISAL
import CZstd

/// Makes whole frames: each call one gzip member (RFC 1952) or one Zstandard frame (RFC 8878), which any standard tool decodes,
/// alone or one after the other.
///
/// Fast levels on purpose: igzip 1 and zstd 1 keep up with a fast network. Equal input gives equal frames, as long as `codecName`
/// stays the same. Holds the codec's state between calls; belongs to one thread.
public final class Compressor {
    private let codec: Codec

    private enum Codec {
        case identity
        case gzip(stream: UnsafeMutablePointer<isal_zstream>, levelBuffer: UnsafeMutableBufferPointer<UInt8>)
        case zstd(OpaquePointer)
    }

    /// A compressor for one encoding; `identity` copies.
    /// - Throws: `internalFault` when the codec cannot be set up, which only a lack of memory explains.
    public init(encoding: ContentEncoding) throws(ArtifactError) {
        switch encoding {
        case .identity:
            codec = .identity
        case .gzip:
            // 80 KiB: too much for a thread's stack.
            let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
            codec = .gzip(stream: stream, levelBuffer: .allocate(capacity: Int(cisal_level1_buffer_size())))
        case .zstd:
            guard let context = ZSTD_createCCtx() else { throw ArtifactError(.internalFault, "zstd got no memory for a context") }
            codec = .zstd(context)
            for (parameter, value) in [
                (ZSTD_c_compressionLevel, Self.zstdLevel), (ZSTD_c_checksumFlag, 1), (ZSTD_c_contentSizeFlag, 1),
            ] {
                let result = ZSTD_CCtx_setParameter(context, parameter, value)
                if ZSTD_isError(result) != 0 { throw Self.zstdFault(result) }
            }
        }
    }

    deinit {
        switch codec {
        case .identity:
            break
        case .gzip(let stream, let levelBuffer):
            stream.deallocate()
            levelBuffer.deallocate()
        case .zstd(let context):
            ZSTD_freeCCtx(context)
        }
    }

    /// The greatest size, in bytes, of a frame made of `rawSize` bytes.
    public static func bound(_ encoding: ContentEncoding, _ rawSize: Int) -> Int {
        switch encoding {
        case .identity:
            return rawSize
        case .gzip:
            // Stored blocks (RFC 1951, section 3.2.4): at most 65,535 bytes each behind five bytes; igzip falls back to them
            // when nothing is gained. The header takes ten bytes, the trailer eight.
            let blocks = max(1, (rawSize + 65_534) / 65_535)
            return rawSize + 5 * blocks + 18
        case .zstd:
            return ZSTD_compressBound(rawSize)
        }
    }

    /// Names the codec, its version and its level. Frames are comparable byte for byte only under the same name: it is journalled
    /// with the parts.
    public static func codecName(_ encoding: ContentEncoding) -> String {
        switch encoding {
        case .identity: "identity"
        case .gzip: "isal \(ISAL_MAJOR_VERSION).\(ISAL_MINOR_VERSION).\(ISAL_PATCH_VERSION) level \(gzipLevel)"
        case .zstd: "zstd \(String(cString: ZSTD_versionString())) level \(zstdLevel)"
        }
    }

    /// Makes one frame of these bytes, which may be none.
    /// - Parameter output: at least `bound` bytes.
    /// - Returns: the frame's size in bytes.
    /// - Throws: `internalFault` when the codec fails, which it does not for memory that can be read and written.
    public func compress(
        _ raw: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ArtifactError) -> Int {
        switch codec {
        case .identity:
            output.copyMemory(from: raw)
            return raw.count
        case .gzip(let stream, let levelBuffer):
            return try Self.gzip(raw, into: output, stream: stream, levelBuffer: levelBuffer)
        case .zstd(let context):
            let result = ZSTD_compress2(context, output.baseAddress, output.count, raw.baseAddress, raw.count)
            if ZSTD_isError(result) != 0 { throw Self.zstdFault(result) }
            return result
        }
    }

    private static let gzipLevel: UInt32 = 1
    private static let zstdLevel: Int32 = 1

    private static func gzip(
        _ raw: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, stream: UnsafeMutablePointer<isal_zstream>,
        levelBuffer: UnsafeMutableBufferPointer<UInt8>
    ) throws(ArtifactError) -> Int {
        // The same room each time, so that nothing in the member can depend on the buffer.
        let room = bound(.gzip, raw.count)
        guard let input = UInt32(exactly: raw.count), let room = UInt32(exactly: room), output.count >= Int(room) else {
            throw ArtifactError(.internalFault, "igzip cannot make a member of \(raw.count) bytes in a buffer of \(output.count)")
        }
        isal_deflate_stateless_init(stream)
        // The one field that version 2.30 leaves as it was in memory: a small number there would narrow the window.
        stream.pointee.hist_bits = 0
        stream.pointee.level = gzipLevel
        stream.pointee.level_buf = levelBuffer.baseAddress
        stream.pointee.level_buf_size = UInt32(levelBuffer.count)
        // The generic header: no name, no time.
        stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
        stream.pointee.end_of_stream = 1
        // It takes a mutable pointer, and only reads.
        stream.pointee.next_in = UnsafeMutableRawPointer(mutating: raw.baseAddress)?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = input
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = room
        let result = isal_deflate_stateless(stream)
        guard result == COMP_OK, stream.pointee.avail_in == 0 else {
            throw ArtifactError(
                .internalFault, "igzip failed on \(raw.count) bytes",
                cause: "code \(result), \(stream.pointee.avail_in) bytes left, \(stream.pointee.avail_out) bytes of room left")
        }
        return Int(room - stream.pointee.avail_out)
    }

    private static func zstdFault(_ result: Int) -> ArtifactError {
        ArtifactError(.internalFault, "zstd failed to compress", cause: String(cString: ZSTD_getErrorName(result)))
    }
}
