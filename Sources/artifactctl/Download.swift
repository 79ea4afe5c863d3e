import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem

/// Where the bytes of a download go. `fetch` has the daemon write them to a descriptor.
enum Download {
    /// Fetches into a new file, which takes the path's place when it is whole.
    /// - Parameter name: what the file is called where the path is a directory.
    /// - Returns: the file's path besides.
    static func toFile(
        _ path: String, named name: String, _ fetch: (Int32) throws -> Got
    ) throws -> (path: String, got: Got) {
        do {
            let target = try target(path, named: name)
            let directory = try System.open(directory(of: target), O_RDONLY | O_DIRECTORY)
            return (target, try replace(target, in: directory.number, fetch))
        } catch let error as SystemError {
            throw refusal(of: error, path)
        }
    }

    /// The new file has no name while it fills, so that nothing is left of it however this ends; where the file system has no
    /// such files, a hidden one.
    private static func replace(_ path: String, in directory: Int32, _ fetch: (Int32) throws -> Got) throws -> Got {
        let temporary = ".artifactctl-\(hexadecimal(JobID.make(unixMilliseconds: 0).bytes.suffix(8)))"
        var file: Descriptor
        var isNamed = false
        do throws(SystemError) {
            file = try System.openTemporary(in: directory, mode: 0o666)
        } catch {
            guard error.errno == EOPNOTSUPP else { throw error }
            file = try System.open(temporary, in: directory, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            isNamed = true
        }
        do {
            let got = try fetch(file.number)
            // A link never replaces a file, a rename does.
            if !isNamed { try System.link(file.number, as: temporary, in: directory) }
            isNamed = true
            try file.close()
            try System.rename(temporary, in: directory, to: path)
            return got
        } catch {
            if isNamed { try System.unlink(temporary, in: directory) }
            throw error
        }
    }

    /// Fetches to standard output: straight into a regular file; by way of a nameless one into anything else, which the daemon
    /// does not write to because its reader could hold it up.
    static func toStandardOutput(_ fetch: (Int32) throws -> Got) throws {
        switch try standardOutput({ () throws(SystemError) in try System.status(of: STDOUT_FILENO).kind }) {
        case .regular:
            _ = try fetch(STDOUT_FILENO)
        default:
            let directory = try temporaryDirectory()
            let file = try System.openTemporary(in: directory.number)
            let got = try fetch(file.number)
            try copy(got.size, from: file.number)
        }
    }

    private static func temporaryDirectory() throws -> Descriptor {
        let path = System.environment()["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        do throws(SystemError) {
            return try System.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw ArtifactError(
                .invalidRequest, "the object has no place to wait in; write it to a file with --output",
                cause: error.description)
        }
    }

    private static func copy(_ size: UInt64, from file: Int32) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var offset: UInt64 = 0
        while offset < size {
            let count = try System.read(file, into: buffer, at: offset)
            if count == 0 {
                throw ArtifactError(.internalFault, "the daemon wrote \(offset) bytes and said that it wrote \(size)")
            }
            try standardOutput { () throws(SystemError) in
                try System.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: STDOUT_FILENO)
            }
            offset += UInt64(count)
        }
    }

    private static func standardOutput<Value>(
        _ body: () throws(SystemError) -> Value
    ) throws(StandardOutputError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw StandardOutputError(cause: error)
        }
    }

    /// The path of the file to write: the path itself, what it links to, or a file in it.
    ///
    /// A rename would put a file in the place of a device or a FIFO, which is never what was meant: that is refused.
    private static func target(_ path: String, named name: String) throws -> String {
        switch try kind(of: path) {
        case nil: return path
        case .regular: return try resolved(path)
        case .directory:
            let inside = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            switch try kind(of: inside) {
            case nil: return inside
            case .regular: return try resolved(inside)
            case .some(let kind): throw ArtifactError(.conflict, "'\(inside.escapedForLog)' is a \(kind) and is not replaced")
            }
        case .some(let kind):
            throw ArtifactError(
                .conflict,
                "'\(path.escapedForLog)' is a \(kind) and is not replaced; leave --output out and redirect standard output")
        }
    }

    /// What a path names, links followed; nil when there is nothing.
    private static func kind(of path: String) throws -> FileKind? {
        do throws(SystemError) {
            return try System.status(of: path, followLink: true).kind
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
        do throws(SystemError) {
            _ = try System.status(of: path)
        } catch {
            guard error.errno == ENOENT else { throw error }
            return nil
        }
        throw ArtifactError(.conflict, "'\(path.escapedForLog)' is a symbolic link to nothing; remove it, or name another file")
    }

    /// The path without symbolic links.
    private static func resolved(_ path: String) throws -> String {
        guard let bytes = realpath(path, nil) else { throw SystemError(call: "realpath", errno: errno, detail: path) }
        defer { free(bytes) }
        guard let text = String(validatingCString: bytes) else {
            throw ArtifactError(.conflict, "'\(path.escapedForLog)' links to a name that is not UTF-8; name another file")
        }
        return text
    }

    private static func refusal(of error: SystemError, _ path: String) -> ArtifactError {
        let (code, why): (ArtifactError.Code, String) =
            switch error.errno {
            case ENOENT, ENOTDIR: (.invalidRequest, ": the directory it is to lie in is not there; make it first")
            case EACCES, EPERM, EROFS: (.denied, ": you may not write to the directory it is to lie in; choose another place")
            // What can pass without another command line.
            case EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC: (.localStorageFailed, "")
            default: (.invalidRequest, "")
            }
        return ArtifactError(code, "'\(path.escapedForLog)' cannot be written\(why)", cause: error.description)
    }

    /// The path up to its last slash.
    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    }
}
