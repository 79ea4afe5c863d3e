/// What a sender may make the parser hold or do.
public struct FormLimits: Sendable {
    /// The most bytes of one part's header. The parser holds no more of a form than this and a boundary.
    public var headerBytes: Int
    /// The most parts.
    public var parts: Int

    public init(headerBytes: Int = 8 << 10, parts: Int = 16) {
        self.headerBytes = headerBytes
        self.parts = parts
    }
}
