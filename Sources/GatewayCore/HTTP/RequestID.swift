import ArtifactModel
import LinuxSystem

/// What names a request in answers and logs.
enum RequestID {
    /// The client's own name for its request where that is fit to be shown (1 to 128 of printable ASCII), else a new one.
    static func choose(_ header: String?) -> String {
        if let header, (1...128).contains(header.utf8.count), header.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            return header
        }
        // The shape is that of jobs: unique, and sorted by time.
        return JobID.make(unixMilliseconds: System.wallMilliseconds()).description
    }
}
