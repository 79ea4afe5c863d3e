public import Glibc

extension System {
    /// Makes a directory and those above it that are missing; returns whether it made any.
    ///
    /// What it makes is on stable storage when it returns: each parent that got a new name is fsynced.
    /// - Parameter mode: of each directory made, less the umask.
    /// - Throws: ENOTDIR when something else has the name.
    @discardableResult
    public static func makeDirectories(
        _ path: String, in directory: Int32 = AT_FDCWD, mode: UInt32 = 0o700
    ) throws(SystemError) -> Bool {
        let parent = parent(of: path)
        let made: Bool
        do throws(SystemError) {
            made = try makeUnlessThere(path, in: directory, mode: mode)
        } catch {
            guard error.errno == ENOENT, parent != path else { throw error }
            try makeDirectories(parent, in: directory, mode: mode)
            made = try makeUnlessThere(path, in: directory, mode: mode)
        }
        if made {
            let names = try open(parent, in: directory, O_RDONLY | O_DIRECTORY)
            try fsync(names.number)
        }
        return made
    }

    /// Makes one directory; false when it is there already.
    private static func makeUnlessThere(_ path: String, in directory: Int32, mode: UInt32) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try makeDirectory(path, in: directory, mode: mode)
            return true
        } catch {
            guard error.errno == EEXIST else { throw error }
            if try status(of: path, in: directory, followLink: true).isDirectory { return false }
            throw SystemError(call: error.call, errno: ENOTDIR, detail: path)
        }
    }

    /// The directory that a path's last component lies in, by the text alone.
    private static func parent(of path: String) -> String {
        var rest = Substring(path)
        while rest.utf8.count > 1, rest.utf8.last == UInt8(ascii: "/") { rest.removeLast() }
        guard let slash = rest.lastIndex(of: "/") else { return "." }
        let parent = rest[..<slash]
        return parent.isEmpty ? "/" : String(parent)
    }
}
