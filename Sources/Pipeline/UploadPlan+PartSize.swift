extension UploadPlan {
    /// The part size for a source of `size` bytes: the preferred one, and where that would make too many parts, the least number
    /// of whole MiB that does not.
    ///
    /// Room is left for encoded objects that are larger than their source, by up to a 1,024th: both codecs fall back to stored
    /// blocks, which take far less than 1 KiB for each MiB.
    public static func partSize(forSize size: UInt64, preferred: UInt64, maximumParts: Int) -> UInt64 {
        let encodedSize = size + size / 1024
        let parts = UInt64(maximumParts)
        let least = encodedSize / parts + (encodedSize % parts == 0 ? 0 : 1)
        if least <= preferred { return preferred }
        let mebibyte: UInt64 = 1 << 20
        return (least + mebibyte - 1) / mebibyte * mebibyte
    }
}
