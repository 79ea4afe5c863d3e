import Glibc
import LinuxSystem
import Synchronization

/// The directories below a store's root.
///
/// Paths are lists of names. Each name is opened by itself with `O_NOFOLLOW`, so a symbolic link in the tree is never followed,
/// not even one that is put there while the path is walked. The root's own path may lead through links. The root is opened anew
/// for every path: a file system that goes away and comes back is found again, and is not kept busy.
///
/// A directory in the root's place is the store only with the mark in it, a directory that was made when the store began. So
/// nothing is written below a mount point whose file system is away, and nothing that is there is taken for an empty store.
final class DirectoryTree: Sendable {
    let root: String
    /// The names of the directories that lead to the mark.
    private let mark: [String]
    /// Held while directories are made or removed: whoever gets a directory from `make` knows that its name is on stable storage.
    private let shape = Mutex<Void>(())

    init(root: String, mark: [String]) {
        self.root = root
        self.mark = mark
    }

    /// Makes the root and the mark where they are missing.
    func begin() throws(SystemError) {
        try System.makeDirectories(root, mode: 0o777)
        try shape.withLock { _ throws(SystemError) in
            _ = try make(mark, below: try System.open(root, O_RDONLY | O_DIRECTORY))
        }
    }

    /// Opens a directory.
    /// - Throws: ENOENT when it is missing; ENOTDIR when something on the way is no directory, or a symbolic link. An error that
    ///   says `concernsStore` when the store itself is not there.
    func open(_ path: [String]) throws(SystemError) -> Descriptor {
        var directory = try openRoot()
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
        try shape.withLock { _ throws(SystemError) -> Descriptor in try make(path, below: try openRoot()) }
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
                    case _ where error.concernsStore: throw error
                    case ENOENT: continue
                    case ENOTEMPTY, EEXIST, ENOTDIR: return
                    default: throw error
                    }
                }
            }
        }
    }

    private func openRoot() throws(SystemError) -> Descriptor {
        let directory = try System.open(root, O_RDONLY | O_DIRECTORY)
        let path = mark.joined(separator: "/")
        do throws(SystemError) {
            if try System.status(of: path, in: directory.number).isDirectory { return directory }
        } catch {
            throw SystemError(call: error.call, errno: error.errno, detail: "\(root)/\(path)")
        }
        throw SystemError(call: "fstatat", errno: ENOTDIR, detail: "\(root)/\(path)")
    }

    private func make(_ path: [String], below root: consuming Descriptor) throws(SystemError) -> Descriptor {
        var directory = root
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

extension SystemError {
    /// Whether the call failed at the store's root or its mark. Names below the root hold no slash, so they alone do.
    var concernsStore: Bool { detail?.contains("/") ?? false }
}
