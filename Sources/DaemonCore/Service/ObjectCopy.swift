import ArtifactModel
import ArtifactWire
import LinuxSystem
import ObjectStore
import Pipeline

/// One object on its way to a client's file: whole or in part, decoded or as it lies in the store.
///
/// The whole is verified against what was stored with it. Of a part nothing but its length can be.
struct ObjectCopy {
    private let uri: String
    private let request: Get
    private let file: SharedDescriptor
    /// Set with the store's first word.
    private var progress: Progress?
    private var got = Got(size: 0, encoding: .identity, contentType: "")

    private struct Progress {
        let info: ObjectInfo
        let decoder: StreamDecoder
        /// Nil for a part.
        var check: ReadCheck?
    }

    /// - Parameter uri: the object's, for messages.
    init(_ request: Get, of uri: String, to file: SharedDescriptor) {
        self.request = request
        self.uri = uri
        self.file = file
    }

    /// Copies what was asked for.
    /// - Throws: `conflict` for a part of the decoded bytes of an encoded object, `corruptObject` for a damaged one.
    static func make(
        _ request: Get, of target: Stores.Target, from session: any ObjectStoreSession, to file: SharedDescriptor
    ) throws(ArtifactError) -> Got {
        var copy = ObjectCopy(request, of: target.uri, to: file)
        try session.get(target.key, range: request.range) { (info, bytes) throws(ArtifactError) in try copy.take(bytes, of: info)
        }
        return try copy.finish()
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, of info: ObjectInfo) throws(ArtifactError) {
        var progress = if let progress { progress } else { try begin(info) }
        progress.check?.add(stored: bytes)
        try decoding { () throws(ArtifactError) in
            try progress.decoder.decode(bytes) { decoded throws(ArtifactError) in
                do throws(SystemError) { try System.write(decoded, to: file.number) } catch {
                    throw ArtifactError(.localStorageFailed, "get: writing to the file failed", cause: "\(error)")
                }
                got.size += UInt64(decoded.count)
                progress.check?.add(decoded: decoded)
            }
        }
        self.progress = progress
    }

    private mutating func begin(_ info: ObjectInfo) throws(ArtifactError) -> Progress {
        let isPlain = request.isRaw || info.encoding == .identity
        if !isPlain, request.range != nil {
            throw ArtifactError(
                .conflict,
                "'\(uri.escapedForLog)' is encoded as \(info.encoding), and where its decoded bytes lie is not known before all are "
                    + "decoded; ask for the whole, or for its raw bytes")
        }
        got.encoding = info.encoding
        got.contentType = info.contentType
        got.etag = info.etag.isEmpty ? nil : info.etag
        got.totalSize = isPlain ? info.size : nil
        return Progress(
            info: info, decoder: try StreamDecoder(encoding: isPlain ? .identity : info.encoding),
            check: request.range == nil ? ReadCheck(info, isRaw: request.isRaw) : nil)
    }

    private func finish() throws(ArtifactError) -> Got {
        guard let progress else {
            throw ArtifactError(.internalFault, "the store said nothing of '\(uri.escapedForLog)', and not that it is missing")
        }
        if let range = request.range {
            let expected = range.clamped(to: 0..<progress.info.size).count
            guard got.size == expected else {
                throw ArtifactError(
                    .storeUnavailable,
                    "the store gave \(got.size) of \(expected) bytes of '\(uri.escapedForLog)'; read them again")
            }
        } else {
            try decoding { () throws(ArtifactError) in
                try progress.decoder.finish()
                try progress.check?.finish()
            }
        }
        var got = got
        got.totalSize = got.totalSize ?? got.size
        return got
    }

    /// Says which object it is that is damaged.
    private func decoding(_ work: () throws(ArtifactError) -> Void) throws(ArtifactError) {
        do throws(ArtifactError) { try work() } catch {
            guard error.code == .corruptObject else { throw error }
            throw ArtifactError(
                .corruptObject,
                "'\(uri.escapedForLog)' is damaged: \(error.message); store it again, or read another copy", cause: error.cause)
        }
    }
}

extension Get {
    /// The bytes that are wanted; nil for all.
    fileprivate var range: Range<UInt64>? {
        let start = offset ?? 0
        guard let length else { return start > 0 ? start..<UInt64.max : nil }
        let (end, overflow) = start.addingReportingOverflow(length)
        return start..<(overflow ? .max : end)
    }
}
