import Foundation

/// A new directory under `/tmp` (or `$TMPDIR`) that goes with its owner.
public final class TemporaryDirectory: Sendable {
    /// The absolute path, without a slash at its end.
    public let path: String

    /// Makes the directory.
    /// - Parameter parent: where; nil for the usual place.
    public init(in parent: String? = nil) throws {
        let base = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/artifactd-test.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let start = buffer.baseAddress, mkdtemp(start) != nil else { return nil }
            return String(cString: start)
        }
        guard let made else { throw SupportError("cannot make a directory in \(base): \(String(cString: strerror(errno)))") }
        path = made
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            // The test's verdict is out by now; a directory left behind is said, not hidden.
            print("cannot remove \(path): \(error)")
        }
    }
}
