import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import NIOPosix

/// Reads one object out of the store through the daemon, piece by piece: neither memory nor disk ever holds all of a large one.
struct ObjectReader: Sendable {
    /// How much is asked for at once. Large enough that a request to the store costs little beside it.
    static let pieceSize: UInt64 = 8 << 20

    let uri: String
    let tenant: String?
    let daemon: DaemonPool
    let threads: NIOThreadPool
    /// Where nameless files lie.
    let directory: String

    /// What the store knows of an object.
    struct Facts: Sendable, Equatable {
        /// As it lies in the store, in bytes.
        var size: UInt64
        var encoding: ContentEncoding
        /// Nil where the store has none.
        var etag: String?
    }

    /// Asks what the store knows of the object.
    func facts() async throws -> Facts {
        let request = Message.get(Get(uri: uri, length: 0, isRaw: true))
        let answer = try await daemon.ask(request, descriptor: try await makeFile(), for: tenant)
        guard case .got(let got) = answer, let size = got.totalSize else { throw ClientError.confused }
        return Facts(size: size, encoding: got.encoding, etag: got.etag)
    }

    /// Reads some bytes of the object, as they lie in the store.
    /// - Parameter facts: what the object must still be.
    /// - Throws: `unavailable` where it was replaced meanwhile, so that no answer is made of two objects.
    func piece(_ range: Range<UInt64>, of facts: Facts) async throws -> ObjectPiece {
        let file = try await makeFile()
        // The daemon verifies what it reads whole.
        let isWhole = range == 0..<facts.size
        let request = Get(
            uri: uri, offset: isWhole ? nil : range.lowerBound, length: isWhole ? nil : UInt64(range.count), isRaw: true)
        // Not asked twice: a daemon that is cut off may write to the file still.
        guard case .got(let got) = try await daemon.order(.get(request), descriptor: file, for: tenant) else {
            throw ClientError.confused
        }
        guard got.totalSize == facts.size, got.encoding == facts.encoding, got.etag == facts.etag, got.size == range.count else {
            throw APIError(.unavailable, "the artifact was replaced while it was read; try again", retryAfter: 1)
        }
        return ObjectPiece(file, size: got.size, threads: threads)
    }

    private func makeFile() async throws -> SharedDescriptor {
        try await threads.runIfActive { [directory] in
            let directory = try System.open(directory, O_RDONLY | O_DIRECTORY)
            return SharedDescriptor(try System.openTemporary(in: directory.number))
        }
    }
}
