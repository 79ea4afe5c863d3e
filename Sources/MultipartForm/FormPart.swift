/// What the header of a part says (RFC 7578, section 4).
public struct FormPart: Sendable, Equatable {
    /// The field's name.
    public var name: String
    /// The file's name as the sender wrote it, which may be a whole path, or anything; nil for a field that is no file.
    public var filename: String?
    /// The media type; nil where the sender names none.
    public var contentType: String?

    public init(name: String, filename: String? = nil, contentType: String? = nil) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }

    /// The last component of the file's name; nil where there is none that can name a file.
    ///
    /// Directories that the sender names are not to be believed (RFC 7578, section 4.2): both kinds of slashes end one.
    public var baseName: String? {
        guard let filename else { return nil }
        let bytes = filename.utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        guard let last = bytes.last, let name = String(last), !name.isEmpty, name != ".", name != ".." else { return nil }
        return name
    }
}
