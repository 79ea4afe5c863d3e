/// A multipart upload that nobody will complete and that still costs the store room.
public struct UploadToAbort: Sendable, Equatable {
    /// The object's full URI.
    public var destination: String
    /// The store's id of the upload.
    public var uploadID: String

    public init(destination: String, uploadID: String) {
        self.destination = destination
        self.uploadID = uploadID
    }
}
