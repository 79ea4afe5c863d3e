import ArtifactModel
import FoundationEssentials
import Glibc
import LinuxSystem

/// An object that is open for reading, with what is known of it.
struct OpenObject: ~Copyable {
    let file: Descriptor
    let info: ObjectInfo
}

extension DirectoryStore {
    /// Opens an object with the headers that belong to it; nil when there is none.
    func openObject(at place: ObjectPlace) throws -> OpenObject? {
        while true {
            guard let file = try openFile(at: place) else { return nil }
            let status = try System.status(of: file.number)
            guard status.isRegular else { return nil }
            let headers = try readHeaders(of: place)
            if let generation = headers?.generation(of: status) {
                return OpenObject(file: file, info: try info(of: place, status, generation))
            }
            // Two commits since the file was opened have written its headers away. Then the file is another by now, too.
            guard try currentStatus(at: place)?.inode == status.inode else { continue }
            return OpenObject(file: file, info: try info(of: place, status, headers?.generation(ofSize: status.size)))
        }
    }

    /// Writes bytes to a new file under a temporary name, fsyncs it, and lets `use` give it its place.
    func withTemporaryFile<Value>(
        holding bytes: UnsafeRawBufferPointer, _ use: (_ directory: Int32, _ name: String, FileStatus) throws -> Value
    ) throws -> Value {
        let directory = try tree.open(Self.temporaries)
        let name = Self.randomName()
        let file = try System.open(name, in: directory.number, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        do {
            try System.write(bytes, to: file.number)
            try System.fsync(file.number)
            return try use(directory.number, name, try System.status(of: file.number))
        } catch {
            removeLeftover(name, in: directory.number)
            throw error
        }
    }

    /// Gives a complete and fsynced file its place as an object, its headers first.
    /// - Parameter name: what the file is called in `directory` until then.
    func commit(
        _ object: ObjectDescription, at place: ObjectPlace, file name: String, in directory: Int32, _ status: FileStatus,
        checksum: String?
    ) throws -> StoredObject {
        try locks.withLock(for: place.key) {
            try repeatingWhilePruned {
                let parent = try makeDirectory(of: place)
                let present = try replaceableFile(at: place, in: parent.number)
                var headers = ObjectHeaders(generations: [.init(object, file: status, checksum: checksum)])
                if let present, let kept = try presentHeaders(of: place)?.generation(of: present) {
                    headers.generations.append(kept)
                }
                try write(headers, of: place)
                try System.rename(name, in: directory, to: place.name, in: parent.number)
                try System.fsync(parent.number)
            }
            return StoredObject(etag: Self.etag(of: status), checksum: checksum)
        }
    }

    /// Refuses a place where an object cannot lie, before its bytes are sent.
    func requireFree(_ place: ObjectPlace) throws {
        do {
            let parent = try tree.open(place.directory)
            _ = try replaceableFile(at: place, in: parent.number)
        } catch let error as SystemError where error.errno == ENOTDIR {
            throw crossesObject(place, error)
        } catch let error as SystemError where error.errno == ENOENT && error.detail != tree.root {
            return
        }
    }

    /// Removes an object, its headers, and the directories that became empty.
    func removeObject(at place: ObjectPlace) throws {
        try locks.withLock(for: place.key) {
            if let parent = try openIfAny(place.directory),
                let status = try System.statusIfAny(of: place.name, in: parent.number), !status.isDirectory
            {
                try System.unlinkIfAny(place.name, in: parent.number)
                try System.fsync(parent.number)
            }
            // Headers without an object harm nobody, so this needs no fsync.
            if let parent = try openIfAny(place.headersDirectory) {
                try System.unlinkIfAny(place.headersName, in: parent.number)
            }
        }
        try tree.prune(place.directory, keeping: 0)
        try tree.prune(place.headersDirectory, keeping: Self.headers.count)
    }

    /// An entity tag that changes with every replacement.
    static func etag(of file: FileStatus) -> String {
        let numbers = [file.size, UInt64(bitPattern: file.modifiedNanoseconds), file.inode]
        return "\"" + numbers.map { String($0, radix: 16) }.joined(separator: "-") + "\""
    }

    /// A name that nobody else has: 128 random bits in hexadecimal.
    static func randomName() -> String {
        hexadecimal((0..<16).map { _ in UInt8.random(in: 0 ... .max) })
    }

    // MARK: - Data files

    private func openFile(at place: ObjectPlace) throws(SystemError) -> Descriptor? {
        guard let parent = try openIfAny(place.directory) else { return nil }
        do throws(SystemError) {
            // O_NONBLOCK is for a FIFO that somebody may have put there: opening it must not wait.
            return try System.open(place.name, in: parent.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            // ELOOP: a symbolic link. ENXIO: a socket.
            guard [ENOENT, ELOOP, ENXIO].contains(error.errno) else { throw error }
            return nil
        }
    }

    private func currentStatus(at place: ObjectPlace) throws(SystemError) -> FileStatus? {
        guard let parent = try openIfAny(place.directory) else { return nil }
        return try System.statusIfAny(of: place.name, in: parent.number)
    }

    /// A directory; nil when it is missing, or when an object lies where it would have to be.
    private func openIfAny(_ path: [String]) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return try tree.open(path)
        } catch {
            guard [ENOENT, ENOTDIR].contains(error.errno), error.detail != tree.root else { throw error }
            return nil
        }
    }

    private func makeDirectory(of place: ObjectPlace) throws -> Descriptor {
        do throws(SystemError) {
            return try tree.make(place.directory)
        } catch {
            guard error.errno == ENOTDIR, error.detail != tree.root else { throw error }
            throw crossesObject(place, error)
        }
    }

    /// The status of the object that will be replaced; nil when there is none.
    private func replaceableFile(at place: ObjectPlace, in parent: Int32) throws -> FileStatus? {
        guard let status = try System.statusIfAny(of: place.name, in: parent) else { return nil }
        guard status.isDirectory else { return status }
        // An empty directory is no object: a put that failed half-way may have left it.
        try tree.prune(place.directory + [place.name], keeping: place.directory.count)
        if try System.statusIfAny(of: place.name, in: parent) != nil { throw isDirectory(place) }
        return nil
    }

    /// Does it again when a directory on the way was removed meanwhile, because a deletion had emptied it.
    private func repeatingWhilePruned(_ work: () throws -> Void) throws {
        for _ in 0..<100 {
            do {
                return try work()
            } catch let error as SystemError where error.errno == ENOENT {
                continue
            }
        }
        try work()
    }

    /// Tidies up behind a call that failed.
    private func removeLeftover(_ name: String, in directory: Int32) {
        do throws(SystemError) {
            try System.unlinkIfAny(name, in: directory)
        } catch {
            // The failure that led here tells more than this one. A later start of the store removes the file.
        }
    }

    // MARK: - Headers

    private func readHeaders(of place: ObjectPlace) throws -> ObjectHeaders? {
        guard let parent = try openIfAny(place.headersDirectory),
            let bytes = try System.contentsIfAny(of: place.headersName, in: parent.number)
        else { return nil }
        do {
            return try JSONDecoder().decode(ObjectHeaders.self, from: Data(bytes))
        } catch {
            throw ArtifactError(
                .corruptObject,
                "the headers of '\(place.key.text.escapedForLog)' in \(place.headersDirectory.joined(separator: "/").escapedForLog)/ "
                    + "do not decode; remove that file to read the object as plain bytes",
                cause: "\(error)")
        }
    }

    /// The headers of the object that is about to be replaced; nil where they do not decode, as nobody can read it anyway.
    private func presentHeaders(of place: ObjectPlace) throws -> ObjectHeaders? {
        do {
            return try readHeaders(of: place)
        } catch let error as ArtifactError where error.code == .corruptObject {
            return nil
        }
    }

    private func write(_ headers: ObjectHeaders, of place: ObjectPlace) throws {
        let parent = try makeHeadersDirectory(of: place)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        try Array(encoder.encode(headers)).withUnsafeBytes { bytes in
            try withTemporaryFile(holding: bytes) { directory, name, _ in
                try System.rename(name, in: directory, to: place.headersName, in: parent.number)
            }
        }
        try System.fsync(parent.number)
    }

    private func makeHeadersDirectory(of place: ObjectPlace) throws -> Descriptor {
        do throws(SystemError) {
            return try tree.make(place.headersDirectory)
        } catch {
            guard error.errno == ENOTDIR, error.detail != ObjectPlace.reserved else { throw error }
            throw ArtifactError(
                .invalidKey,
                "'\(place.key.text.escapedForLog)' cannot be stored: the headers of another object have the name "
                    + "'\((error.detail ?? "").escapedForLog)' that a directory would need here; rename one of them")
        }
    }

    private func info(
        of place: ObjectPlace, _ file: FileStatus, _ headers: ObjectHeaders.Generation?
    ) throws(ArtifactError) -> ObjectInfo {
        var encoding = ContentEncoding.identity
        if let headers {
            guard let known = ContentEncoding(name: headers.encoding) else {
                throw ArtifactError(
                    .corruptObject,
                    "'\(place.key.text.escapedForLog)' is encoded as '\(headers.encoding.escapedForLog)', which this version does not know"
                )
            }
            encoding = known
        }
        return ObjectInfo(
            size: file.size, etag: Self.etag(of: file), contentType: headers?.contentType ?? "application/octet-stream",
            encoding: encoding, metadata: headers?.metadata ?? [:], checksum: headers?.checksum,
            modifiedAt: file.modifiedNanoseconds / 1_000_000)
    }

    // MARK: - Refusals

    private func isDirectory(_ place: ObjectPlace) -> ArtifactError {
        ArtifactError(
            .invalidKey,
            "'\(place.key.text.escapedForLog)' cannot be stored: other objects lie below that name, and in a directory store a name "
                + "is an object or a directory; choose another name")
    }

    private func crossesObject(_ place: ObjectPlace, _ error: SystemError) -> ArtifactError {
        ArtifactError(
            .invalidKey,
            "'\(place.key.text.escapedForLog)' cannot be stored: '\((error.detail ?? "").escapedForLog)' on its way is an object or a "
                + "symbolic link, and in a directory store a name is an object or a directory; choose another name",
            cause: error.description)
    }
}
