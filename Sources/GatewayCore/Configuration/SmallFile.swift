import ArtifactModel
import Glibc
import LinuxSystem

/// Files that people write: configuration and tokens.
enum SmallFile {
    /// The largest that is read, in bytes.
    static let maximumSize = 1 << 20

    /// A file's text.
    /// - Parameter name: what the file is called in errors.
    /// - Throws: `invalidRequest` when it cannot be read, is too large or not UTF-8.
    static func text(_ path: String, name: String) throws(ArtifactError) -> String {
        let shown = "the \(name) '\(path.escapedForLog)'"
        var bytes = [UInt8](repeating: 0, count: maximumSize + 1)
        let count: Int
        do throws(SystemError) {
            let file = try System.open(path, O_RDONLY)
            count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
                try System.read(file.number, into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            }
        } catch {
            throw ArtifactError(.invalidRequest, "\(shown) cannot be read", cause: "\(error)")
        }
        guard count <= maximumSize else { throw ArtifactError(.invalidRequest, "\(shown) is larger than 1 MiB") }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw ArtifactError(.invalidRequest, "\(shown) is not UTF-8")
        }
        return text
    }
}
