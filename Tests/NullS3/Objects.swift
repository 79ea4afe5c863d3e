import Glibc

/// An object, or a part of one, as far as the server remembers it.
struct Object: Sendable {
    var size: Int
    /// Nil when the bytes were discarded.
    var bytes: [UInt8]?
    var etag: String
    /// In base64; nil when the client gave none.
    var crc32c: String?
    /// Those that are given back with the object.
    var headers: [(name: String, value: String)] = []
    var modified = time(nil)

    static let keptHeaders = ["content-type", "content-encoding", "content-disposition", "content-language", "cache-control"]
}

/// A multipart upload under way.
struct Upload: Sendable {
    /// Bucket, slash, key.
    let name: [UInt8]
    let headers: [(name: String, value: String)]
    /// Whether it was begun with `x-amz-checksum-algorithm: CRC32C`.
    let takesCRC32C: Bool
    let initiated = time(nil)
    var parts: [Int: Object] = [:]
}

/// All that the server holds. Any bucket exists.
struct Objects: Sendable {
    /// By bucket, slash, key.
    var objects: [[UInt8]: Object] = [:]
    var uploads: [String: Upload] = [:]
    private var lastNumber: UInt64 = 0

    /// 32 hexadecimal digits that were never given out before: upload ids, and entity tags, which S3 does not define either.
    mutating func nextIdentifier() -> String {
        lastNumber += 1
        let digits = String(lastNumber, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
