public import ArtifactModel
import CZlib
import CZstd

/// Decodes an object as its bytes arrive, in pieces of any size: any number of gzip members or Zstandard frames, whoever made
/// them.
///
/// Memory is bounded: an output buffer of 256 KiB, and what the codec's window takes (32 KiB for gzip, at most 128 MiB for a
/// Zstandard frame that asks for it; ours ask for 1 MiB at most). After a failure the decoder is of no further use. Belongs to one
/// thread.
public final class StreamDecoder {
    private let codec: Codec
    private let output: UnsafeMutableRawBufferPointer
    /// Whether the bytes so far end with a whole member or frame.
    private var isWhole: Bool

    private enum Codec {
        case identity
        // On the heap, because zlib refuses a stream that has moved.
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    /// A decoder for one object of that encoding.
    /// - Throws: `internalFault` when the codec cannot be set up, which only a lack of memory explains.
    public init(encoding: ContentEncoding) throws(ArtifactError) {
        switch encoding {
        case .identity:
            codec = .identity
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            codec = .gzip(stream)
        case .zstd:
            guard let context = ZSTD_createDCtx() else { throw ArtifactError(.internalFault, "zstd got no memory for a context") }
            codec = .zstd(context)
        }
        // Of no bytes at all, only the identity makes an object.
        isWhole = encoding == .identity
        output = .allocate(byteCount: 256 << 10, alignment: 16)
        try setUp()
    }

    private func setUp() throws(ArtifactError) {
        switch codec {
        case .identity:
            break
        case .gzip(let stream):
            // 16 asks for the gzip wrapper and nothing else, 15 for the largest window that gzip has.
            let result = czlib_inflate_init(stream, 16 + 15)
            if result != Z_OK { throw ArtifactError(.internalFault, "zlib cannot be set up", cause: "code \(result)") }
        case .zstd(let context):
            // zstd's own default, which stock `zstd -d` has too.
            let result = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
            if ZSTD_isError(result) != 0 {
                throw ArtifactError(.internalFault, "zstd cannot be set up", cause: String(cString: ZSTD_getErrorName(result)))
            }
        }
    }

    deinit {
        output.deallocate()
        switch codec {
        case .identity:
            break
        case .gzip(let stream):
            inflateEnd(stream)
            stream.deallocate()
        case .zstd(let context):
            ZSTD_freeDCtx(context)
        }
    }

    /// Takes the object's next bytes and passes on what they decode to.
    /// - Parameter emit: called with each run of decoded bytes, which are valid only during the call; what it throws ends the
    ///   decoding.
    /// - Throws: `corruptObject` when the bytes do not decode.
    public func decode(
        _ input: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        var rest = input
        var hasMore = false
        while !rest.isEmpty || hasMore {
            let step = try decodeSome(rest, emit: emit)
            rest = UnsafeRawBufferPointer(rebasing: rest[step.used...])
            hasMore = step.hasMore
        }
    }

    /// Takes some of the object's next bytes and passes on what they decode to: for an encoded object at most 256 KiB, however much
    /// its next bytes stand for.
    /// - Parameter emit: called at most once, as `decode` does.
    /// - Returns: how many bytes were taken; the others are to be given again. And whether there may be more to pass on without any
    ///   further: at most 128 KiB (a block of RFC 8878), once all that were given are taken.
    /// - Throws: `corruptObject` when the bytes do not decode.
    public func decodeSome(
        _ input: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) -> (used: Int, hasMore: Bool) {
        switch codec {
        case .identity:
            if !input.isEmpty { try emit(input) }
            return (input.count, false)
        case .gzip(let stream): return (try inflate(input, stream, emit), false)
        case .zstd(let context): return try decompress(input, context, emit)
        }
    }

    /// Says that the object has no more bytes.
    /// - Throws: `corruptObject` when they end within a gzip member or Zstandard frame, or before the first.
    public func finish() throws(ArtifactError) {
        if isWhole { return }
        switch codec {
        case .identity: break
        case .gzip: throw ArtifactError(.corruptObject, "the object ends within a gzip member: it is truncated")
        case .zstd: throw ArtifactError(.corruptObject, "the object ends within a Zstandard frame: it is truncated")
        }
    }

    private func inflate(
        _ input: UnsafeRawBufferPointer, _ stream: UnsafeMutablePointer<z_stream>,
        _ emit: (UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) -> Int {
        if input.isEmpty { return 0 }
        if isWhole {
            inflateReset(stream)
            isWhole = false
        }
        // zlib counts in 32 bits, and takes a mutable pointer, though it only reads.
        let count = min(input.count, 1 << 30)
        stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        // zlib writes straight to the buffer and takes a member's trailer last: once the input is used up, nothing is held back.
        let result = CZlib.inflate(stream, Z_NO_FLUSH)
        guard result == Z_OK || result == Z_STREAM_END else {
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "code \(result)"
            throw ArtifactError(.corruptObject, "the object's gzip members do not decode", cause: reason)
        }
        let used = count - Int(stream.pointee.avail_in)
        let produced = output.count - Int(stream.pointee.avail_out)
        isWhole = result == Z_STREAM_END
        if produced > 0 { try emit(UnsafeRawBufferPointer(rebasing: output[..<produced])) }
        return used
    }

    private func decompress(
        _ input: UnsafeRawBufferPointer, _ context: OpaquePointer,
        _ emit: (UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) -> (used: Int, hasMore: Bool) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(context, &target, &source)
        if ZSTD_isError(result) != 0 {
            throw ArtifactError(
                .corruptObject, "the object's Zstandard frames do not decode", cause: String(cString: ZSTD_getErrorName(result)))
        }
        isWhole = result == 0
        if target.pos > 0 { try emit(UnsafeRawBufferPointer(rebasing: output[..<target.pos])) }
        // Behind a full output buffer more may be held back, input or not (zstd.h, ZSTD_decompressStream).
        return (source.pos, target.pos == target.size && !isWhole)
    }
}
