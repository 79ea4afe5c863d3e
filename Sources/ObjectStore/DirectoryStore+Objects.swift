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
            let generation = headers?.generation(ofSize: status.size)
            if let headers, generation == nil { throw foreignFile(at: place, status, headers) }
            return OpenObject(file: file, info: try info(of: place, status, generation))
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
                let own = ObjectHeaders.Generation(object, file: status, checksum: checksum)
                let kept = try present.flatMap { try presentHeaders(of: place)?.bestGeneration(of: $0) }
                try write(ObjectHeaders(generations: [own] + [kept].compactMap(\.self)), of: place)
                try System.rename(name, in: directory, to: place.name, in: parent.number)
                try System.fsync(parent.number)
                // Another daemon that shares the directory may have written its headers in between. Whoever renames last finds
                // it out, and leaves the other's beside its own.
                let found = try presentHeaders(of: place)
                if found?.generation(of: status) == nil {
                    try write(ObjectHeaders(generations: [own] + (found?.generations.prefix(1) ?? [])), of: place)
                }
            }
            return StoredObject(etag: Self.etag(of: status), checksum: checksum)
        }
    }

    /// Gives a complete and fsynced file its place as an object, if nothing lies there.
    ///
    /// Its headers come second: of several daemons that share the directory and do this at the same moment, only the one whose
    /// file has the place may write them. A crash in between leaves the object without, as if it had been put there by hand.
    /// - Parameter name: what the file is called in `directory`; it is not called so any more afterwards.
    /// - Returns: nil when there is an object.
    func commitIfAbsent(
        _ object: ObjectDescription, at place: ObjectPlace, file name: String, in directory: Int32, _ status: FileStatus,
        checksum: String?
    ) throws -> StoredObject? {
        defer { removeLeftover(name, in: directory) }
        let file = try System.open(name, in: directory, O_RDONLY | O_NOFOLLOW)
        return try locks.withLock(for: place.key) { () -> StoredObject? in
            if let present = try currentStatus(at: place) { return try nothing(insteadOf: present, at: place) }
            try removeHeaders(of: place)
            do {
                try repeatingWhilePruned {
                    let parent = try makeDirectory(of: place)
                    _ = try replaceableFile(at: place, in: parent.number)
                    try System.link(file.number, as: place.name, in: parent.number)
                    try System.fsync(parent.number)
                }
            } catch let error as SystemError where error.errno == EEXIST {
                return try currentStatus(at: place).flatMap { try nothing(insteadOf: $0, at: place) }
            }
            try write(ObjectHeaders(generations: [.init(object, file: status, checksum: checksum)]), of: place)
            return StoredObject(etag: Self.etag(of: status), checksum: checksum)
        }
    }

    /// Refuses a place where an object cannot lie, before its bytes are sent.
    func requireFree(_ place: ObjectPlace) throws {
        do {
            if let parent = try openUnlessMissing(place.directory) { _ = try replaceableFile(at: place, in: parent.number) }
        } catch let error as SystemError where error.errno == ENOTDIR && !error.concernsStore {
            throw crossesObject(place, error)
        }
        do {
            guard let parent = try openUnlessMissing(place.headersDirectory) else { return }
            guard try System.statusIfAny(of: place.headersName, in: parent.number)?.isDirectory == true else { return }
            try tree.prune(place.headersDirectory + [place.headersName], keeping: place.headersDirectory.count)
            if try System.statusIfAny(of: place.headersName, in: parent.number) != nil {
                throw crossesHeaders(place, place.headersName)
            }
        } catch let error as SystemError where error.errno == ENOTDIR && !error.concernsStore {
            throw crossesHeaders(place, error.detail ?? "")
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
            try removeHeaders(of: place)
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
            return try openUnlessMissing(path)
        } catch {
            guard error.errno == ENOTDIR, !error.concernsStore else { throw error }
            return nil
        }
    }

    /// A directory; nil when it is missing.
    private func openUnlessMissing(_ path: [String]) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return try tree.open(path)
        } catch {
            guard error.errno == ENOENT, !error.concernsStore else { throw error }
            return nil
        }
    }

    private func makeDirectory(of place: ObjectPlace) throws -> Descriptor {
        do throws(SystemError) {
            return try tree.make(place.directory)
        } catch {
            guard error.errno == ENOTDIR, !error.concernsStore else { throw error }
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
            } catch let error as SystemError where error.errno == ENOENT && !error.concernsStore {
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
                "the headers of '\(place.key.text.escapedForLog)' do not decode; store it again, or remove "
                    + "'\(place.headersPath.escapedForLog)' to read it as it is",
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
            guard error.errno == ENOTDIR, !error.concernsStore else { throw error }
            throw crossesHeaders(place, error.detail ?? "")
        }
    }

    /// Headers without an object harm nobody, so this needs no fsync.
    private func removeHeaders(of place: ObjectPlace) throws {
        guard let parent = try openIfAny(place.headersDirectory) else { return }
        try System.unlinkIfAny(place.headersName, in: parent.number)
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

    /// The outcome of a put that shall replace nothing, where something has the name.
    private func nothing(insteadOf present: FileStatus, at place: ObjectPlace) throws(ArtifactError) -> StoredObject? {
        if present.isRegular { return nil }
        if present.isDirectory { throw isDirectory(place) }
        throw ArtifactError(
            .invalidKey,
            "'\(place.key.text.escapedForLog)' cannot be stored: a \(present.kindName) has its name in the directory store; remove it"
        )
    }

    private func foreignFile(at place: ObjectPlace, _ file: FileStatus, _ headers: ObjectHeaders) -> ArtifactError {
        let sizes = headers.generations.map { "\($0.size)" }.joined(separator: " or ")
        return ArtifactError(
            .corruptObject,
            "'\(place.key.text.escapedForLog)' has \(file.size) bytes, and its headers are of \(sizes): somebody has changed the file "
                + "in the directory store itself. Store it again, or remove '\(place.headersPath.escapedForLog)' to read it as it is"
        )
    }

    private func crossesHeaders(_ place: ObjectPlace, _ name: String) -> ArtifactError {
        ArtifactError(
            .invalidKey,
            "'\(place.key.text.escapedForLog)' cannot be stored: in the directory store the headers of one object would be the file "
                + "'\(name.escapedForLog)', and those of another need a directory of that name; rename one of them")
    }

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
