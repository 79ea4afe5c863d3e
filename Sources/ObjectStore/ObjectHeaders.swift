import ArtifactModel
import FoundationEssentials
import LinuxSystem

/// The headers of an object in a directory store: the content of `.artifactd/meta/KEY.json`.
///
/// Data and headers are two files and cannot be replaced at once. So the headers are written first, for the coming object and
/// the present one, and each says which data file it is for. Whatever moment a crash picks, one of them fits.
struct ObjectHeaders: Codable {
    /// The headers of one data file.
    struct Generation: Codable {
        /// The data file's inode number: exact as long as the directory is not copied.
        var inode: UInt64
        /// The data file's size in bytes: what is left to go by in a copied directory.
        var size: UInt64
        var contentType: String
        /// As `Content-Encoding` spells it.
        var encoding: String
        var metadata: [String: String]
        /// `algorithm:base64`; nil when the caller gave none.
        var checksum: String?
    }

    /// The newest first, at most two.
    var generations: [Generation]

    /// The headers that were written for exactly this file.
    func generation(of file: FileStatus) -> Generation? {
        generations.first { $0.inode == file.inode && $0.size == file.size }
    }

    /// The headers for this file: exactly, or in a copied directory by its size.
    func bestGeneration(of file: FileStatus) -> Generation? { generation(of: file) ?? generation(ofSize: file.size) }

    /// The newest headers that were written for a file of this size.
    func generation(ofSize size: UInt64) -> Generation? {
        generations.first { $0.size == size }
    }
}

extension ObjectHeaders.Generation {
    init(_ object: ObjectDescription, file: FileStatus, checksum: String?) {
        inode = file.inode
        size = file.size
        contentType = object.contentType
        encoding = object.encoding.description
        metadata = Dictionary(object.metadata.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        self.checksum = checksum
    }
}
