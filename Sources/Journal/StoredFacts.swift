/// What is known of an object that the store has confirmed.
public struct StoredFacts: Sendable, Equatable {
    /// The entity tag.
    public var etag: String
    /// The object's size in the store, in bytes.
    public var size: UInt64
    /// The checksum of the object's bytes as the store has it, `algorithm:base64`; nil when it returned none.
    public var checksum: String?
    /// The checksum of the source's bytes before any encoding, `algorithm:base64`; nil when none was computed.
    public var rawChecksum: String?

    public init(etag: String, size: UInt64, checksum: String?, rawChecksum: String?) {
        self.etag = etag
        self.size = size
        self.checksum = checksum
        self.rawChecksum = rawChecksum
    }
}
