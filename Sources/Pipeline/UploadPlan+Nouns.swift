extension UploadPlan {
    /// A run of the source that is read, and encoded, in one piece.
    public struct Chunk: Sendable, Hashable {
        /// Its place on the grid, from 0.
        public let index: Int
        /// Where its first byte stands in the source.
        public let offset: UInt64
        /// Its length in bytes: the grid's, but for the last chunk, which may be shorter, and empty where the source is.
        public let length: Int
    }

    /// A run of the object that is sent in one request.
    public struct Part: Sendable, Hashable {
        /// From 1, without gaps.
        public let number: Int
        /// Where its first byte stands in the source.
        public let rawOffset: UInt64
        /// How many bytes of the source it holds.
        public let rawLength: UInt64
        /// Where its first byte stands in the object.
        public let offset: UInt64
        /// Its size as sent, in bytes.
        public let size: UInt64

        /// A part as it was journalled.
        public init(number: Int, rawOffset: UInt64, rawLength: UInt64, offset: UInt64, size: UInt64) {
            self.number = number
            self.rawOffset = rawOffset
            self.rawLength = rawLength
            self.offset = offset
            self.size = size
        }
    }

    /// What the driver has to do next.
    public enum Step: Sendable, Hashable {
        /// Put this chunk's frame at the end of the part that is being filled.
        case append(chunk: Int)
        /// The part that is being filled is complete: send it. `isLast` says that it ends the object; together with the number 1
        /// it is the whole object, and one request stores it.
        case cut(Part, isLast: Bool)
    }
}
