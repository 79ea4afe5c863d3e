import ArtifactModel
import Glibc

/// Whether the files that the journal has open still are the ones at their paths: what is written to others is gone at the next
/// start, and SQLite does not notice.
struct JournalPlace: Sendable {
    private struct File: Equatable {
        var device: dev_t
        var inode: ino_t
    }

    private let path: String
    private let opened: [String: File]

    /// Takes note of the files behind a journal that was just opened: the database and its log.
    init(of path: String) {
        self.path = path
        var opened: [String: File] = [:]
        for suffix in ["", "-wal"] { opened[suffix] = Self.file(path + suffix) }
        self.opened = opened
    }

    /// What is wrong; nil when both are where they were. Costs two calls of `stat`.
    var displacement: String? {
        for (suffix, file) in opened.sorted(by: { $0.key < $1.key }) {
            let now = Self.file(path + suffix)
            if now != file {
                return "'\((path + suffix).escapedForLog)' was \(now == nil ? "moved away or deleted" : "replaced")"
            }
        }
        return nil
    }

    /// The bytes of both, as they lie at their paths. Costs two calls of `stat`.
    var size: UInt64 {
        opened.keys.reduce(0) { $0 + (Self.status(path + $1).map { UInt64($0.st_size) } ?? 0) }
    }

    private static func file(_ path: String) -> File? {
        status(path).map { File(device: $0.st_dev, inode: $0.st_ino) }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}

extension ArtifactError {
    /// Why nothing is promised while the journal's files are not where they were.
    init(displaced reason: String) {
        self.init(
            .localStorageFailed,
            "\(reason) while artifactd has it open, so that no hand-over would outlive a restart; move it back, or wait for the jobs at "
                + "hand ('artifactctl wait') and restart artifactd: what is pending then is lost")
    }
}
