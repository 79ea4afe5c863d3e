import Glibc

/// Room on the disk that is kept for what must still be journalled when nothing else fits: the progress of the jobs at hand.
struct Reserve: Sendable {
    /// In bytes. SQLite's log grows by about this much between two checkpoints (1,000 pages of 4 KiB).
    static let size: Int64 = 4 << 20

    private let directory: String
    private var path: String { "\(directory)/journal.reserve" }

    init(directory: String) { self.directory = directory }

    /// Allocates the room, for real. Returns the errno when that fails; then nothing is held.
    func hold() -> Int32? {
        let result = allocate(path, Self.size)
        if result != nil { release() }
        return result
    }

    /// Gives the room to whoever writes next. Nothing to give is no error.
    func release() { unlink(path) }

    /// Whether so much is free that the room can be held and as much again is left.
    var fits: Bool {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) >= 2 * UInt64(Self.size)
    }

    /// Tries to write a little in the directory. Returns the errno when that fails.
    func probe() -> Int32? {
        let path = "\(directory)/journal.probe"
        let result = allocate(path, 4096)
        unlink(path)
        return result
    }

    private func allocate(_ path: String, _ size: Int64) -> Int32? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var result = posix_fallocate(descriptor, 0, off_t(size))
        while result == EINTR { result = posix_fallocate(descriptor, 0, off_t(size)) }
        return result == 0 ? nil : result
    }
}
