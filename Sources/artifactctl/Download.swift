import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem

/// Where the bytes of a download go. `fetch` has the daemon write them to a descriptor.
enum Download {
    /// Fetches into a new file, which takes the path's place when it is whole.
    static func toFile(_ path: String, _ fetch: (Int32) throws -> Got) throws -> Got {
        try refuseAllButRegularFile(path)
        let temporary = "\(directory(of: path)).artifactctl-\(hexadecimal(JobID.make(unixMilliseconds: 0).bytes.suffix(8)))"
        do {
            let file = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            do {
                let got = try fetch(file.number)
                try file.close()
                try System.rename(temporary, to: path)
                return got
            } catch {
                try System.unlink(temporary)
                throw error
            }
        } catch let error as SystemError {
            throw ArtifactError(.localStorageFailed, "'\(path.escapedForLog)' cannot be written", cause: error.description)
        }
    }

    /// Fetches to standard output: straight into a regular file; by way of a nameless one into anything else, which the daemon
    /// does not write to because its reader could hold it up.
    static func toStandardOutput(_ fetch: (Int32) throws -> Got) throws {
        switch try System.status(of: STDOUT_FILENO).kind {
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
                .localStorageFailed, "the object has no place to wait in; write it to a file with --output",
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
            try System.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: STDOUT_FILENO)
            offset += UInt64(count)
        }
    }

    /// A rename would put a file in the place of a device or a FIFO, which is never what was meant.
    private static func refuseAllButRegularFile(_ path: String) throws {
        let kind: FileKind
        do throws(SystemError) {
            kind = try System.status(of: path, followLink: true).kind
        } catch {
            if error.errno == ENOENT { return }
            throw ArtifactError(.localStorageFailed, "'\(path.escapedForLog)' cannot be written", cause: error.description)
        }
        guard kind == .regular else {
            let wayOut = kind == .directory ? "name the file in it" : "leave --output out and redirect standard output"
            throw ArtifactError(.conflict, "'\(path.escapedForLog)' is a \(kind) and is not replaced; \(wayOut)")
        }
    }

    /// The path up to its last slash; empty when it has none.
    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }
}
