public import ArtifactModel

/// A part of a multipart upload that the store has confirmed.
public struct PartRecord: Sendable, Equatable {
    /// From 1, without gaps.
    public var number: Int
    /// Where the part begins in the source, in bytes.
    public var rawOffset: UInt64
    /// How many bytes of the source it covers.
    public var rawLength: UInt64
    /// Where the part begins in the finished object, in bytes.
    public var offset: UInt64
    /// The part's size as it was sent, in bytes.
    public var size: UInt64
    /// The part's entity tag, as the store spelled it.
    public var etag: String
    /// The check of the `size` bytes that were sent; nil where the store's integrity names no CRC.
    public var check: CRC?
    /// The CRC-32C of the `rawLength` bytes of the source; nil where none was computed.
    public var rawCheck: CRC?

    public init(
        number: Int, rawOffset: UInt64, rawLength: UInt64, offset: UInt64, size: UInt64, etag: String, check: CRC?,
        rawCheck: CRC? = nil
    ) {
        self.number = number
        self.rawOffset = rawOffset
        self.rawLength = rawLength
        self.offset = offset
        self.size = size
        self.etag = etag
        self.check = check
        self.rawCheck = rawCheck
    }
}
