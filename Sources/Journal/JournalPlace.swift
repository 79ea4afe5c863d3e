import ArtifactModel
import Glibc

/// Whether the files that the journal has open still are the ones at their paths: what is written to others is gone at the next
/// start, and SQLite does not notice.
struct JournalPlace: Sendable {
    private struct File: Equatable {
        var device: dev_t
        var inode: ino_t
    }

    private let opened: [(path: String, file: File?)]

    /// Takes note of the files behind a journal that was just opened: the database and its log.
    init(of path: String) {
        opened = [path, path + "-wal"].map { ($0, Self.file($0)) }
    }

    /// What is wrong; nil when both are where they were. Costs two calls of `stat`.
    var displacement: String? {
        for (path, file) in opened {
            let now = Self.file(path)
            if now != file { return "'\(path.escapedForLog)' was \(now == nil ? "moved away or deleted" : "replaced")" }
        }
        return nil
    }

    /// The bytes of both, as they lie at their paths. Costs two calls of `stat`.
    var size: UInt64 {
        opened.reduce(0) { $0 + (Self.status($1.path).map { UInt64($0.st_size) } ?? 0) }
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
