import Glibc
import LinuxSystem
import Synchronization

/// The directories below a store's root.
///
/// Paths are lists of names. Each name is opened by itself with `O_NOFOLLOW`, so a symbolic link in the tree is never followed,
/// not even one that is put there while the path is walked. The root's own path may lead through links. The root is opened anew
/// for every path: a file system that goes away and comes back is found again, and is not kept busy.
final class DirectoryTree: Sendable {
    let root: String
    /// Held while directories are made or removed: whoever gets a directory from `make` knows that its name is on stable storage.
    private let shape = Mutex<Void>(())

    init(root: String) { self.root = root }

    /// Opens a directory.
    /// - Throws: ENOENT when it is missing; ENOTDIR when something on the way is no directory, or a symbolic link.
    func open(_ path: [String]) throws(SystemError) -> Descriptor {
        var directory = try System.open(root, O_RDONLY | O_DIRECTORY)
        for name in path { directory = try step(into: name, from: directory) }
        return directory
    }

    /// Opens a directory to read its names.
    func list(_ path: [String]) throws(SystemError) -> DirectoryListing {
        let directory = try open(path)
        return try DirectoryListing(".", in: directory.number)
    }

    /// Opens a directory after making what is missing of it; each new name is fsynced.
    func make(_ path: [String]) throws(SystemError) -> Descriptor {
        try shape.withLock { _ throws(SystemError) -> Descriptor in
            var directory = try System.open(root, O_RDONLY | O_DIRECTORY)
            for name in path {
                do throws(SystemError) {
                    directory = try step(into: name, from: directory)
                } catch {
                    guard error.errno == ENOENT else { throw error }
                    try make(name, in: directory)
                    directory = try step(into: name, from: directory)
                }
            }
            return directory
        }
    }

    /// Removes a directory if it is empty, and those above it as far as they become so. The first `kept` names stay.
    func prune(_ path: [String], keeping kept: Int) throws(SystemError) {
        try shape.withLock { _ throws(SystemError) in
            for length in stride(from: path.count, to: kept, by: -1) {
                do throws(SystemError) {
                    let parent = try open(Array(path[..<(length - 1)]))
                    try System.removeDirectory(path[length - 1], in: parent.number)
                } catch {
                    switch error.errno {
                    case ENOENT: continue
                    case ENOTEMPTY, EEXIST, ENOTDIR: return
                    default: throw error
                    }
                }
            }
        }
    }

    private func step(into name: String, from directory: borrowing Descriptor) throws(SystemError) -> Descriptor {
        try System.open(name, in: directory.number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    private func make(_ name: String, in directory: borrowing Descriptor) throws(SystemError) {
        do throws(SystemError) {
            // The umask says who may read the store.
            try System.makeDirectory(name, in: directory.number, mode: 0o777)
        } catch {
            // Another process was quicker.
            guard error.errno == EEXIST else { throw error }
        }
        do throws(SystemError) {
            try System.fsync(directory.number)
        } catch {
            // Else the next call would find the directory and take its name for durable.
            try System.removeDirectory(name, in: directory.number)
            throw error
        }
    }
}
